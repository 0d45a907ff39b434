/// Where browsers' terminals and native ssh meet the rest of the controller.
#pragma once

#include "controller/gateway/hub.hpp"
#include "controller/passage/connections.hpp"
#include "controller/terminal/terminals.hpp"
#include "controller/tunnels/tunnel_keys.hpp"

#include <functional>

namespace fairlead::app {

/// Streams to shells over the links of servers, signed with their organizations' keys. All of it
/// outlives what is returned.
terminal::Terminals::Opener
shells_of(gateway::Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys);

/// Streams to the sshd of servers, in the same way.
passage::Connections::Opener
sshd_of(gateway::Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys);

/// What the web shell does with a WebSocket that was offered.
std::function<Task<>(std::shared_ptr<const api::SocketOffer>, net::WebSocket)>
served_by(terminal::Terminals& terminals, passage::Connections& connections);

} // namespace fairlead::app
