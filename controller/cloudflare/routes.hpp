/// The routes of custom hostnames.
#pragma once

#include "controller/api/route_table.hpp"
#include "controller/cloudflare/hostnames.hpp"

namespace fairlead::cloudflare {

void add_routes(api::RouteTable& table, Hostnames& hostnames);

} // namespace fairlead::cloudflare
