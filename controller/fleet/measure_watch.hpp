/// What servers measure over time. Told by fleet, which knows the links.
#pragma once

#include "common/store/store.hpp"
#include "controller/api/principal.hpp"
#include "proto/messages.hpp"

namespace fairlead::fleet {

/// Called inside the transaction of the change, on the writer thread.
class MeasureWatch {
public:
    virtual ~MeasureWatch() = default;
    /// All of it is the server's word.
    virtual Result<> measured(
        store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server, Timestamp at,
        const proto::Facts& facts
    ) = 0;
    /// The server's row goes.
    virtual Result<>
    gone(store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server) = 0;
};

} // namespace fairlead::fleet
