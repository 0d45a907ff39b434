/// The routes of imports.
#pragma once

#include "controller/api/route_table.hpp"
#include "controller/imports/imports.hpp"

namespace fairlead::imports {

/// `imports` outlives the table.
void add_routes(api::RouteTable& table, Imports& imports);

} // namespace fairlead::imports
