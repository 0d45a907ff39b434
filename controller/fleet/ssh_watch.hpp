/// What is known of SSH keys on servers. Told by fleet, which knows the links.
#pragma once

#include "common/store/store.hpp"
#include "controller/api/principal.hpp"
#include "proto/messages.hpp"

namespace fairlead::fleet {

/// Called inside the transaction of the change, on the writer thread.
class SshWatch {
public:
    virtual ~SshWatch() = default;
    /// What the server says that there is; all of it is the server's word.
    virtual Result<>
    ssh(store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server,
        const proto::SshState& found) = 0;
    /// The server was revoked: its agent takes its keys away as soon as it hears of it.
    virtual Result<>
    revoked(store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server) = 0;
};

} // namespace fairlead::fleet
