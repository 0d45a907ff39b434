/// The ids of SSH keys.
#pragma once

#include "common/runtime/id.hpp"

namespace fairlead {

FAIRLEAD_ID(SshKeyId, "sshk_", "SSH key");

} // namespace fairlead
