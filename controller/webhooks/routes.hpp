/// The routes of webhooks.
#pragma once

#include "controller/api/route_table.hpp"
#include "controller/webhooks/webhooks.hpp"

namespace fairlead::webhooks {

/// `webhooks` outlives the table.
void add_routes(api::RouteTable& table, Webhooks& webhooks);

} // namespace fairlead::webhooks
