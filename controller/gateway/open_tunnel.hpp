/// The way of the edge to an environment: a stream over its server's link.
#pragma once

#include "controller/gateway/open_signed.hpp"

namespace fairlead::gateway {

/// To a port of an environment of `org` on that server; see open_signed().
Task<Result<stream::Stream>> open_tunnel(
    Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys, OrgId org, ServerId server,
    EnvironmentId environment, std::uint16_t port
);

} // namespace fairlead::gateway
