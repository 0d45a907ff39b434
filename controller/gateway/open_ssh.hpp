/// The way of native ssh to a server: a stream over its link.
#pragma once

#include "controller/gateway/open_signed.hpp"

namespace fairlead::gateway {

/// To the sshd of a server of `org`; see open_signed().
Task<Result<stream::Stream>>
open_ssh(Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys, OrgId org, ServerId server);

} // namespace fairlead::gateway
