#include "controller/gateway/open_tunnel.hpp"

namespace fairlead::gateway {

Task<Result<stream::Stream>> open_tunnel(
    Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys, OrgId org, ServerId server,
    EnvironmentId environment, std::uint16_t port
) {
    return open_signed(
        hub, pool, keys, std::move(org), std::move(server),
        tunnels::tunnel_purpose(environment, port), proto::streams_since
    );
}

} // namespace fairlead::gateway
