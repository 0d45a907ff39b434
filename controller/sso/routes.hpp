/// /api/v1/sign-in-options, /sso, /account/identities
#pragma once

#include "controller/api/route_table.hpp"
#include "controller/sso/sso.hpp"

#include <chrono>
#include <functional>
#include <string>

namespace fairlead::sso {

/// What the sign-in page asks beside the providers.
struct SignInOptions {
    std::string registration; ///< "open", "invitation" or "closed"
    bool passkeys = false;
};

/// The referenced things outlive the table.
struct SsoRoutes {
    Sso& sso;
    std::function<SignInOptions()> options;
    std::chrono::seconds session_lasts; ///< of the cookie
};

void add_sso_routes(api::RouteTable& table, SsoRoutes parts);

} // namespace fairlead::sso
