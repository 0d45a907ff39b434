/// What lives on servers: the environments. Told by fleet, which knows the links.
#pragma once

#include "common/store/store.hpp"
#include "controller/api/principal.hpp"
#include "proto/messages.hpp"

#include <vector>

namespace fairlead::fleet {

/// Called inside the transaction of the change, on the writer thread.
class Residents {
public:
    virtual ~Residents() = default;
    /// The server went online, offline or was revoked.
    virtual Result<> reachability_changed(
        store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server
    ) = 0;
    /// All environments that the server holds.
    virtual Result<> inventory(
        store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server,
        const std::vector<proto::EnvironmentState>& found
    ) = 0;
    /// The states that came with the facts.
    virtual Result<> health(
        store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server,
        const std::vector<proto::EnvironmentHealth>& health
    ) = 0;
};

} // namespace fairlead::fleet
