/// The routes of certificates.
#pragma once

#include "controller/api/route_table.hpp"
#include "controller/certificates/certificates.hpp"

namespace fairlead::certificates {

void add_routes(api::RouteTable& table, Certificates& certificates);

} // namespace fairlead::certificates
