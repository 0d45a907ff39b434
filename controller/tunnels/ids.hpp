/// The ids of tunnel keys.
#pragma once

#include "common/runtime/id.hpp"

namespace fairlead {

FAIRLEAD_ID(TunnelKeyId, "tkey_", "tunnel key");

} // namespace fairlead
