#include "controller/gateway/open_signed.hpp"

#include "common/async/offload.hpp"

namespace fairlead::gateway {

Task<Result<stream::Stream>> open_signed(
    Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys, OrgId org, ServerId server,
    boost::json::object purpose, std::uint32_t since
) {
    auto text = keys.sign_at_once(org, server, purpose);
    if (!text) {
        auto scope = api::ScopeIssuer::scope(org);
        auto sign = [&] { return keys.sign(scope, server, purpose); };
        auto made = co_await offload(pool, sign);
        if (!made) co_return fail(std::move(made).error());
        text = *std::move(made);
    }
    co_return hub.open_stream(server, *text, since);
}

} // namespace fairlead::gateway
