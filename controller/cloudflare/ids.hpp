/// What names a custom hostname.
#pragma once

#include "common/runtime/id.hpp"

namespace fairlead {

FAIRLEAD_ID(CustomHostnameId, "chn_", "custom hostname");

} // namespace fairlead
