/// What the files of Environments share.
#pragma once

#include "controller/environments/environments.hpp"

#include <string>

namespace fairlead::environments {

/// An audit entry about an environment, to be completed.
api::Act act_on(const Environment& environment, std::string action);

using api::conflict;

} // namespace fairlead::environments
