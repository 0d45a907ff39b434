/// What a server fetches before it is enrolled: /install.sh, /agent/{file}, /ca.pem; and what
/// people fetch for native ssh: /fairlead-ssh. Open to all.
#pragma once

#include "controller/api/route_table.hpp"
#include "controller/install/packages.hpp"

#include <functional>

namespace fairlead::install {

/// `packages` outlives the table. `face` is asked for each request, on a worker thread: a
/// certificate may be replaced.
void add_install_routes(
    api::RouteTable& table, const Packages& packages, std::function<Face()> face
);

} // namespace fairlead::install
