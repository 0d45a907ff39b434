/// /api/v1/orgs/{org}/support-access and /api/v1/installation/orgs
#pragma once

#include "controller/access/support.hpp"
#include "controller/api/change.hpp"
#include "controller/api/route_table.hpp"

namespace fairlead::access {

struct SupportRoutes {
    api::Desk desk;
    Support& support;
};

/// `parts` outlives the table.
void add_support_routes(api::RouteTable& table, const SupportRoutes& parts);

} // namespace fairlead::access
