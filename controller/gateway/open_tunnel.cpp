#include "controller/gateway/open_tunnel.hpp"

#include "common/async/offload.hpp"

namespace fairlead::gateway {

Task<Result<stream::Stream>> open_tunnel(
    Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys, OrgId org, ServerId server,
    EnvironmentId environment, std::uint16_t port
) {
    auto text = keys.purpose_at_once(org, server, environment, port);
    if (!text) {
        // Whoever routes has found the environment among this organization's.
        auto scope = api::ScopeIssuer::scope(org);
        auto sign = [&] { return keys.purpose(scope, server, environment, port); };
        auto made = co_await offload(pool, sign);
        if (!made) co_return fail(std::move(made).error());
        text = *std::move(made);
    }
    co_return hub.open_stream(server, *text);
}

} // namespace fairlead::gateway
