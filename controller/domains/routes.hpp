/// The routes of domains.
#pragma once

#include "controller/api/route_table.hpp"
#include "controller/domains/domains.hpp"

namespace fairlead::domains {

/// `domains` outlives the table.
void add_routes(api::RouteTable& table, Domains& domains);

} // namespace fairlead::domains
