/// The ids of alerts and of their rules.
#pragma once

#include "common/runtime/id.hpp"

namespace fairlead {

FAIRLEAD_ID(AlertRuleId, "alr_", "alert rule");
FAIRLEAD_ID(AlertId, "alt_", "alert");

} // namespace fairlead
