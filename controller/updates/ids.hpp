/// The ids of roll-outs of the agent.
#pragma once

#include "common/runtime/id.hpp"

namespace fairlead {

FAIRLEAD_ID(RolloutId, "aro_", "roll-out");

} // namespace fairlead
