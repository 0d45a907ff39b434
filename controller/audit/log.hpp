/// What the subjects write to: an entry in the transaction of each change.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/store/store.hpp"
#include "controller/api/audit_log.hpp"

namespace fairlead::audit {

/// An entry that cannot be stored undoes the change: record throws.
class Log final : public api::AuditLog {
public:
    explicit Log(const Clock& clock) : clock_(clock) {}
    void record(
        store::UnitOfWork& unit, const api::OrgScope& scope, const api::Actor& actor, api::Act act
    ) override;

private:
    const Clock& clock_;
};

} // namespace fairlead::audit
