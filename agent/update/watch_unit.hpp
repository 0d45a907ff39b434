/// The unit that carries an update through: of systemd's own folder, so that it is there whatever
/// dpkg is in the middle of, and enabled, so that a power cut does not end it.
#pragma once

#include "agent/update/record.hpp"

namespace fairlead::update {

inline constexpr const char* watch_unit = "fairlead-update.service";

/// Writes, enables and starts it. Fine when it runs.
Result<> start_watch(const Layout& layout);
bool watch_runs();
/// It does not start any more; what it needed goes. From within it, too.
Result<> put_watch_away(const Layout& layout);

} // namespace fairlead::update
