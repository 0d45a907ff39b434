/// Measurements over time, and the newest ones for Prometheus.
#pragma once

#include "controller/api/route_table.hpp"
#include "controller/metrics/recorder.hpp"

namespace fairlead::metrics {

/// All of it outlives the table.
struct RouteParts {
    store::Store& store;
    const Recorder& recorder;
};

void add_routes(api::RouteTable& table, RouteParts& parts);

} // namespace fairlead::metrics
