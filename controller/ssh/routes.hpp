/// The routes of SSH keys.
#pragma once

#include "controller/api/route_table.hpp"
#include "controller/ssh/ssh_keys.hpp"

namespace fairlead::ssh {

/// `keys` outlives the table.
void add_routes(api::RouteTable& table, SshKeys& keys);

} // namespace fairlead::ssh
