/// The way of a reading to the captured mail of an environment: a stream over its server's link.
#pragma once

#include "controller/gateway/open_signed.hpp"
#include "proto/mail.hpp"

namespace fairlead::gateway {

/// To captured mail on a server of `org`, whose bytes are as proto/mail.hpp says; see
/// open_signed().
Task<Result<stream::Stream>> open_mail(
    Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys, OrgId org, ServerId server,
    proto::MailPurpose purpose
);

} // namespace fairlead::gateway
