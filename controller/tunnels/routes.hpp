/// The routes of tunnel keys.
#pragma once

#include "controller/api/route_table.hpp"
#include "controller/tunnels/tunnel_keys.hpp"

namespace fairlead::tunnels {

/// `keys` outlives the table.
void add_routes(api::RouteTable& table, TunnelKeys& keys);

} // namespace fairlead::tunnels
