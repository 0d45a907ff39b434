/// The routes of pushes.
#pragma once

#include "controller/api/route_table.hpp"
#include "controller/pushes/pushes.hpp"

namespace fairlead::pushes {

/// `pushes` outlives the table.
void add_routes(api::RouteTable& table, Pushes& pushes);

} // namespace fairlead::pushes
