/// /api/v1/setup, /session, /sessions, /password
#pragma once

#include "controller/access/accounts.hpp"
#include "controller/access/second_step.hpp"
#include "controller/access/session_view.hpp"
#include "controller/api/route_table.hpp"

namespace fairlead::access {

/// The referenced things outlive the table.
struct AccessRoutes {
    store::Store& store;
    Sessions& sessions;
    Accounts& accounts;
    SecondStep& steps;
    const SessionView& view;
};

void add_access_routes(api::RouteTable& table, AccessRoutes parts);

} // namespace fairlead::access
