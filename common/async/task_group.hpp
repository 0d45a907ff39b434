/// Structured concurrency: coroutines that live and die together.
#pragma once

#include "common/async/task.hpp"

#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

namespace fairlead {

/// Owns running coroutines. Use it only on the thread of its executor. Whoever makes a group awaits
/// join(); a group that still has children when it goes away aborts the process.
class TaskGroup {
public:
    explicit TaskGroup(Executor executor);
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;
    ~TaskGroup();

    /// Starts `task` now, up to its first suspension. Spawning into a cancelled group starts it
    /// cancelled.
    void spawn(Task<> task);

    /// The same for something that makes a task; keeps it alive as long as the task runs. Capture
    /// by reference or name the lambda first (GCC 12).
    template <class Body>
    requires(std::is_invocable_r_v<Task<>, Body&>) void spawn(Body body) {
        spawn(hold(std::move(body)));
    }

    /// Asks every child to stop: its next suspension throws operation_aborted. A child that must
    /// still say goodbye calls `co_await asio::this_coro::reset_cancellation_state()` first.
    void cancel();

    /// Children that have not ended.
    std::size_t size() const;

    /// Waits until no child is left. When the caller is cancelled meanwhile, the children are
    /// cancelled, waited for, and then operation_aborted goes on up. A child that threw anything
    /// but operation_aborted cancels the others, and join() throws what it threw.
    Task<> join();

private:
    template <class Body>
    static Task<> hold(Body body) {
        co_await body();
    }

    struct State;
    std::shared_ptr<State> state_;
};

} // namespace fairlead
