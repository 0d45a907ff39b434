/// Telling cancellation from failure.
#pragma once

#include "common/async/task.hpp"

#include <exception>

namespace fairlead {

/// What a coroutine threw because somebody cancelled it, and not because something failed.
bool is_cancellation(const std::exception_ptr& thrown);

/// Throws operation_aborted when the caller was cancelled. Await it between the last wait and the
/// first spawn() of a TaskGroup: a cancellation that came with the end of that wait would otherwise
/// be thrown at `co_await group.join()`, before that has begun to wait for the children.
Task<> check_not_cancelled();

} // namespace fairlead
