/// The way of the edge to an environment: a stream over its server's link, opened by a capability.
#pragma once

#include "common/async/worker_pool.hpp"
#include "controller/gateway/hub.hpp"
#include "controller/tunnels/tunnel_keys.hpp"

namespace fairlead::gateway {

/// To a port of an environment of `org` on that server. On the hub's thread; the key is unsealed on
/// the pool where it is not at hand. Errors of Hub::open_stream and of TunnelKeys::purpose. That
/// the stream is open says nothing of the agent yet: it resets what it does not take
/// (proto::StreamEnd).
Task<Result<stream::Stream>> open_tunnel(
    Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys, OrgId org, ServerId server,
    EnvironmentId environment, std::uint16_t port
);

} // namespace fairlead::gateway
