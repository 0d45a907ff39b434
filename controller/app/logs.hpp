/// Where readings of logs meet the rest of the controller.
#pragma once

#include "controller/gateway/hub.hpp"
#include "controller/logs/readings.hpp"
#include "controller/tunnels/tunnel_keys.hpp"

#include <functional>
#include <string>

namespace fairlead::app {

/// Streams to logs, captured mail and recordings over the links of servers, signed with their
/// organizations' keys. All of it outlives what is returned.
logs::Readings::Opener logs_of(gateway::Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys);

/// What the web shell does with a body that was offered.
std::function<Task<Result<logs::Readings::Body>>(std::string)> bodies_of(logs::Readings& readings);

} // namespace fairlead::app
