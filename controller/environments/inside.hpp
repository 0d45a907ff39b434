/// What the files of Environments share.
#pragma once

#include "controller/environments/environments.hpp"

#include <string>

namespace fairlead::environments {

using api::conflict;

} // namespace fairlead::environments
