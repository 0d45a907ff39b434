/// What names a claim.
#pragma once

#include "common/runtime/id.hpp"

namespace fairlead {

FAIRLEAD_ID(DomainId, "dom_", "domain");

} // namespace fairlead
