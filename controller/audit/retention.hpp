/// Drops the text of audit entries whose time is over; their hashes stay, so the log still
/// verifies.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/store/store.hpp"
#include "controller/api/principal.hpp"
#include "controller/orgs/plans.hpp"

#include <chrono>

namespace fairlead::audit {

/// Thread-safe; opens its own transactions.
class Retention {
public:
    Retention(store::Store& store, const orgs::Plans& plans) : store_(store), plans_(plans) {}

    /// Goes through the installation's log and every organization's once. A plan without an audit
    /// log shows none; what happens meanwhile is kept as long as any plan would, so that choosing
    /// another plan finds it.
    Result<> tidy(Timestamp now);

    /// How long entries of this plan keep their text.
    std::chrono::days kept(orgs::Plan plan) const;
    /// As long as any plan keeps them: the installation's own.
    std::chrono::days longest() const;

private:
    Result<> drop(const api::OrgScope& scope, Timestamp before);

    store::Store& store_;
    const orgs::Plans& plans_;
};

} // namespace fairlead::audit
