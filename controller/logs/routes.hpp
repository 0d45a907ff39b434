/// The routes of logs.
#pragma once

#include "controller/api/change.hpp"
#include "controller/api/route_table.hpp"
#include "controller/logs/directory.hpp"

namespace fairlead::logs {

/// All of it outlives the table.
struct RouteParts {
    api::Desk desk;
    Directory& directory;
};

void add_routes(api::RouteTable& table, const RouteParts& parts);

} // namespace fairlead::logs
