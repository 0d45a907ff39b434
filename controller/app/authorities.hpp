/// `fairlead-controller ca`: the agents' certificate authorities, beside a controller that may be
/// serving.
#pragma once

#include "common/runtime/clock.hpp"
#include "controller/app/settings.hpp"

namespace fairlead::app {

/// The next step of Authority::rotate, told to every organization. A sentence for the person.
Result<std::string> rotate_authority(const Settings& settings, const Clock& clock, bool force);

/// One line each, with how far agents are.
Result<std::string> list_authorities(const Settings& settings, const Clock& clock);

} // namespace fairlead::app
