/// The routes of updates of agents.
#pragma once

#include "controller/api/route_table.hpp"
#include "controller/updates/updates.hpp"

namespace fairlead::updates {

/// `updates` outlives the table.
void add_routes(api::RouteTable& table, Updates& updates);

} // namespace fairlead::updates
