/// The routes of operations: list, get, log, events, cancel.
#pragma once

#include "controller/api/route_table.hpp"
#include "controller/operations/operations.hpp"

namespace fairlead::operations {

/// `operations` outlives the table.
void add_operation_routes(api::RouteTable& table, Operations& operations);

/// 202 for an operation that was just stored.
api::Response accepted(const api::OrgScope& scope, const Operation& operation);

} // namespace fairlead::operations
