/// What is known of links to log in to Odoo. Told by fleet, which knows the links of servers.
#pragma once

#include "common/store/store.hpp"
#include "controller/api/principal.hpp"
#include "proto/messages.hpp"

#include <vector>

namespace fairlead::fleet {

/// Called inside the transaction of the change, on the writer thread.
class LoginWatch {
public:
    virtual ~LoginWatch() = default;
    /// Links that were used, as the server says; it says so again each time for a day.
    virtual Result<> used(
        store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server,
        const std::vector<proto::UsedOdooLink>& links
    ) = 0;
};

} // namespace fairlead::fleet
