#include "controller/app/log_everywhere.hpp"

#include "controller/audit/log.hpp"
#include "controller/orgs/orgs.hpp"

namespace fairlead::app {

Result<> log_everywhere(store::UnitOfWork& unit, const Clock& clock, const api::Act& act) {
    FAIRLEAD_TRY(all, orgs::Memberships(unit.db()).all());
    audit::Log log(clock);
    for (const auto& org : all) log.record(unit, api::ScopeIssuer::scope(org), {}, act);
    log.record(unit, api::ScopeIssuer::installation(), {}, act);
    return {};
}

} // namespace fairlead::app
