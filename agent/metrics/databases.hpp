/// What PostgreSQL says of itself and of the environments' databases, as numbers.
#pragma once

#include "agent/host/postgresql.hpp"
#include "proto/messages.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::metrics {

/// By the name of their database: where the numbers of an environment go.
using ByDatabase = std::map<std::string, proto::MeasuredValues*, std::less<>>;

std::string catalog_queries();
/// Of all databases, which PostgreSQL looks for on disk: that may take long.
std::string sizes_query();
/// Takes the rows of these queries; those that make no sense are passed over.
void take_catalogs(
    const std::vector<std::string>& rows, proto::MeasuredValues& server, const ByDatabase& databases
);

/// The scheduled actions of an Odoo, asked by its own role.
std::string late_actions_query();
void take_late_actions(const std::vector<std::string>& rows, proto::MeasuredValues& environment);

} // namespace fairlead::metrics
