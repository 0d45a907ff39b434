/// A stream over a server's link, opened by a capability that the organization's tunnel key signs.
#pragma once

#include "common/async/worker_pool.hpp"
#include "controller/gateway/hub.hpp"
#include "controller/tunnels/tunnel_keys.hpp"

#include <boost/json/object.hpp>

namespace fairlead::gateway {

/// For what `purpose` says, which agents know from protocol `since` on. On the hub's thread; the
/// key is unsealed on the pool where it is not at hand. Errors of Hub::open_stream and of
/// TunnelKeys::sign. That the stream is open says nothing of the agent yet: it resets what it does
/// not take (proto::StreamEnd). Whoever calls has found the server among this organization's.
Task<Result<stream::Stream>> open_signed(
    Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys, OrgId org, ServerId server,
    boost::json::object purpose, std::uint32_t since
);

} // namespace fairlead::gateway
