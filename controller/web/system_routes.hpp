/// /healthz, /readyz, /metrics, security.txt and the contract: what the controller says of itself.
#pragma once

#include "controller/api/route_table.hpp"

#include <functional>
#include <string>
#include <vector>

namespace fairlead::web {

/// One line of Prometheus text: a gauge or counter without labels.
struct Metric {
    std::string name; ///< "fairlead_links"
    std::string help;
    bool counter = false;
    double value = 0;
};

struct SystemParts {
    std::function<Result<>()> ready; ///< asks the store
    std::function<std::vector<Metric>()> metrics;
    std::string security_contact; ///< a URI for security.txt (RFC 9116); "" for none
    std::string url;              ///< where this controller is reached, without a slash at the end
    const Clock& clock;
};

/// Throws std::logic_error when the embedded contract cannot be read.
void add_system_routes(api::RouteTable& table, SystemParts parts);

} // namespace fairlead::web
