/// /api/v1/setup, /session, /sessions, /password
#pragma once

#include "controller/access/accounts.hpp"
#include "controller/api/route_table.hpp"
#include "controller/orgs/plans.hpp"

#include <functional>
#include <optional>
#include <string>

namespace fairlead::access {

/// What a session tells the console of the controller itself.
struct ControllerFacts {
    std::string name;
    std::string version;
    std::optional<std::string> fingerprint; ///< base64 SHA-256 of the certificate's public key;
                                            ///< none for a public certificate
    bool self_signed = false;
};

struct AccessRoutes {
    store::Store& store;
    Sessions& sessions;
    Accounts& accounts;
    const orgs::Plans& plans;
    std::function<ControllerFacts()> facts; ///< asked for each request, on worker threads
};

void add_access_routes(api::RouteTable& table, AccessRoutes parts);

} // namespace fairlead::access
