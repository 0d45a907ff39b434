/// Tells when addresses or routes of this machine change, so that a lost link is tried again at
/// once.
#pragma once

#include "common/async/event.hpp"
#include "common/async/task.hpp"

namespace fairlead::link {

/// Notifies `changed` until it is cancelled. Without netlink it just waits: the backoff goes on by
/// time.
Task<> watch_network(Event& changed);

} // namespace fairlead::link
