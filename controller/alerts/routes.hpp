/// Alerts and their rules.
#pragma once

#include "controller/alerts/alerts.hpp"
#include "controller/api/route_table.hpp"

namespace fairlead::alerts {

void add_routes(api::RouteTable& table, Alerts& alerts);

} // namespace fairlead::alerts
