/// `fairlead-controller keys`: the master key that everything secret in the database is sealed by.
#pragma once

#include "common/runtime/clock.hpp"
#include "controller/app/settings.hpp"

namespace fairlead::app {

/// A new master key, and every sealed value under it, in one transaction; told to every
/// organization. The controller must not serve. Older keys stay in the file: older backups need
/// them. Whatever stops it in the middle, the file opens what the database holds, and the next run
/// finishes with the key that is there. A sentence for the person.
Result<std::string> rekey(const Settings& settings, const Clock& clock);

/// Takes the older keys out of the file. Errc::conflict while a value needs one. The controller
/// must not serve.
Result<std::string> forget_old_keys(const Settings& settings);

/// One line a key, with how many values it sealed. Also while the controller serves.
Result<std::string> list_keys(const Settings& settings);

} // namespace fairlead::app
