/// Drops the text of audit entries whose time is over; their hashes stay, and up to where texts
/// were dropped is signed, so the log still verifies.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/store/store.hpp"
#include "controller/api/principal.hpp"
#include "controller/audit/notary.hpp"
#include "controller/orgs/plans.hpp"

#include <chrono>

namespace fairlead::audit {

/// Thread-safe; opens its own transactions.
class Retention {
public:
    Retention(store::Store& store, const orgs::Plans& plans, Notary& notary)
        : store_(store), plans_(plans), notary_(notary) {}

    /// Goes through the installation's log and every organization's once. A plan without an audit
    /// log shows none; what happens meanwhile is kept as long as any plan would, so that choosing
    /// another plan finds it. A log that was altered where it is to be dropped stays as it is: the
    /// controller's log names it.
    Result<> tidy(Timestamp now);

    /// How long entries of this plan keep their text.
    std::chrono::days kept(orgs::Plan plan) const;
    /// The longest of an organization's plan and of those that its log still knows of: going back
    /// to a lower one hides, and deletes nothing.
    Result<std::chrono::days>
    kept(store::Connection& db, const api::OrgScope& scope, orgs::Plan plan) const;
    /// As long as any plan keeps them: the installation's own.
    std::chrono::days longest() const;

private:
    void drop(const api::OrgScope& scope, Timestamp before);
    /// How many were dropped at once.
    Result<std::int64_t>
    drop_some(store::UnitOfWork& unit, const api::OrgScope& scope, Timestamp before);

    store::Store& store_;
    const orgs::Plans& plans_;
    Notary& notary_;
};

} // namespace fairlead::audit
