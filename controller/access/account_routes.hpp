/// /api/v1/account, /register, /email, /password/forgot and /reset, /installation/links
#pragma once

#include "controller/access/account.hpp"
#include "controller/access/registration.hpp"
#include "controller/access/session_view.hpp"
#include "controller/api/route_table.hpp"
#include "controller/mail/outbox.hpp"

#include <string>

namespace fairlead::access {

/// The referenced things outlive the table.
struct AccountRoutes {
    Account& account;
    Registration& registration;
    const SessionView& view;
    mail::Outbox& outbox;
    std::string issuer; ///< what authenticator apps show beside the address
};

void add_account_routes(api::RouteTable& table, AccountRoutes parts);
void add_registration_routes(api::RouteTable& table, AccountRoutes parts);

} // namespace fairlead::access
