/// Waking a coroutine from another one on the same thread, and sleeping.
#pragma once

#include "common/async/task.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>

namespace fairlead {

/// A flag that one coroutine waits for. notify() before wait() is remembered; several before one
/// wait() are one. Not thread-safe.
class Event {
public:
    explicit Event(Executor executor);

    /// Wakes the waiter, or makes the next wait() return at once.
    void notify();

    /// Returns after a notify() and takes it back. Throws operation_aborted when cancelled.
    Task<> wait();

    /// The same with a limit; false when it passed without a notify().
    Task<bool> wait_for(std::chrono::milliseconds limit);

private:
    asio::steady_timer timer_;
    bool set_ = false;
};

/// Throws operation_aborted when cancelled.
Task<> sleep_for(std::chrono::milliseconds duration);

} // namespace fairlead
