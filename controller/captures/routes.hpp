/// The routes of captured mail: what development and staging environments would have sent, and
/// their servers keep.
#pragma once

#include "controller/api/change.hpp"
#include "controller/api/route_table.hpp"
#include "controller/logs/routes.hpp"
#include "controller/operations/operations.hpp"

namespace fairlead::captures {

/// All of it outlives the table.
struct RouteParts {
    logs::RouteParts readings;
    operations::Operations& operations;
};

void add_routes(api::RouteTable& table, const RouteParts& parts);

} // namespace fairlead::captures
