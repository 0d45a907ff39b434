/// /api/v1/orgs/{org}/api-keys and /api/v1/key
#pragma once

#include "controller/access/limits.hpp"
#include "controller/api/change.hpp"
#include "controller/api/route_table.hpp"

namespace fairlead::access {

struct KeyRoutes {
    api::Desk desk;
    UnknownProjects unknown_projects;
};

/// `parts` outlives the table.
void add_key_routes(api::RouteTable& table, const KeyRoutes& parts);

} // namespace fairlead::access
