/// The routes of operations: list, get, log, events, cancel.
#pragma once

#include "controller/api/route_table.hpp"
#include "controller/operations/operations.hpp"

namespace fairlead::operations {

/// The referenced things outlive the table.
void add_operation_routes(
    api::RouteTable& table, store::Store& store, api::EventSink& events, Operations& operations
);

/// 202 for an operation that was just stored.
api::Response accepted(const api::OrgScope& scope, const Operation& operation);

/// The id of a query parameter, "" when absent. Errc::invalid when it is none.
template <class IdType>
Result<std::string> query_id(const api::Call& call, std::string_view name) {
    auto text = call.query(name);
    if (!text) return std::string();
    auto id = IdType::parse(*text);
    if (!id)
        return fail(Error(
                        Errc::invalid,
                        std::string(name) + " is \"" + std::string(*text) + "\", which is no id."
        )
                        .with_fields({{std::string(name), "is no id"}}));
    return id->str();
}

} // namespace fairlead::operations
