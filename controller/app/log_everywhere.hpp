/// Acts upon the whole installation, as every organization's audit log has them.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/store/store.hpp"
#include "controller/api/audit_log.hpp"

namespace fairlead::app {

/// In the unit of the act, which the person at the controller's own command line did.
Result<> log_everywhere(store::UnitOfWork& unit, const Clock& clock, const api::Act& act);

} // namespace fairlead::app
