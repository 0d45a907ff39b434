/// Telling cancellation from failure.
#pragma once

#include <exception>

namespace fairlead {

/// What a coroutine threw because somebody cancelled it, and not because something failed.
bool is_cancellation(const std::exception_ptr& thrown);

} // namespace fairlead
