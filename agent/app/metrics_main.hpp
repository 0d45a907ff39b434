/// The process of one measurement, put together.
#pragma once

#include "agent/metrics/measure.hpp"

#include <string>

namespace fairlead::app {

struct MetricsOptions {
    std::string link_user = "fairlead";
    metrics::Places places;
};

/// The exit code. Standard input is the connection of the link that systemd took.
int run_metrics(const MetricsOptions& options = MetricsOptions());

} // namespace fairlead::app
