/// Holds the table of routes against proto/openapi.yaml, both ways.
#pragma once

#include "controller/api/route_table.hpp"

#include <string_view>

namespace fairlead::app {

/// Throws std::logic_error with every route that only one side has, or with another permission
/// there. Gives each route the names of its query parameters. `contract` is the document as JSON.
void hold_to_contract(api::RouteTable& table, std::string_view contract);

} // namespace fairlead::app
