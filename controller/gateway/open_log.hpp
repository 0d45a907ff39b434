/// The way of a reading to the log of its server: a stream over the server's link.
#pragma once

#include "controller/gateway/open_signed.hpp"
#include "proto/log.hpp"
#include "proto/recording.hpp"

namespace fairlead::gateway {

/// To a log on a server of `org`, whose bytes are as proto/log.hpp says; see open_signed().
Task<Result<stream::Stream>> open_log(
    Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys, OrgId org, ServerId server,
    proto::LogPurpose purpose
);

/// To recordings of terminals, whose bytes are as proto/recording.hpp says.
Task<Result<stream::Stream>> open_recording(
    Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys, OrgId org, ServerId server,
    proto::RecordingPurpose purpose
);

} // namespace fairlead::gateway
