/// `fairlead-controller user`: who may sign in here.
#pragma once

#include "controller/app/settings.hpp"

namespace fairlead::app {

/// One line a person: address, name, whether a password is set, and each organization with the
/// role. Also while the controller serves.
Result<std::string> list_people(const Settings& settings);

} // namespace fairlead::app
