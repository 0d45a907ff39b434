/// Drops the text of audit entries whose time is over; their hashes stay, so the log still
/// verifies.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/store/store.hpp"
#include "controller/orgs/plans.hpp"

#include <chrono>

namespace fairlead::audit {

/// Thread-safe; opens its own transactions.
class Retention {
public:
    Retention(store::Store& store, const orgs::Plans& plans) : store_(store), plans_(plans) {}

    /// Goes through every organization once. A plan without an audit log shows none; what happens
    /// meanwhile is kept as long as any plan would, so that choosing another plan finds it.
    Result<> tidy(Timestamp now);

    /// How long entries of this plan keep their text.
    std::chrono::days kept(orgs::Plan plan) const;

private:
    store::Store& store_;
    const orgs::Plans& plans_;
};

} // namespace fairlead::audit
