/// The way of a browser's terminal to its server: a stream over the server's link.
#pragma once

#include "controller/gateway/open_signed.hpp"
#include "proto/terminal.hpp"

namespace fairlead::gateway {

/// To a shell on a server of `org`, whose messages are proto/terminal.hpp's; see open_signed().
Task<Result<stream::Stream>> open_terminal(
    Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys, OrgId org, ServerId server,
    proto::TerminalPurpose purpose
);

} // namespace fairlead::gateway
