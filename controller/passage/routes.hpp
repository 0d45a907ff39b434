/// The route of native ssh.
#pragma once

#include "controller/api/change.hpp"
#include "controller/api/route_table.hpp"

namespace fairlead::passage {

/// `desk` outlives the table.
void add_routes(api::RouteTable& table, const api::Desk& desk);

} // namespace fairlead::passage
