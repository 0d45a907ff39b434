#include "common/async/task_group.hpp"

#include "common/async/cancelled.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <cstdio>
#include <cstdlib>
#include <list>

namespace fairlead {

namespace {

// Asio 1.26 ends the process when a coroutine that was cancelled ends without ever having been
// suspended: its own last step then throws where nobody catches. So cancellation stops throwing
// once the task is over.
Task<> contained(Task<> task) {
    std::exception_ptr thrown;
    try {
        co_await std::move(task);
    } catch (...) {
        thrown = std::current_exception();
    }
    co_await asio::this_coro::throw_if_cancelled(false);
    if (thrown) std::rethrow_exception(thrown);
}

} // namespace

struct TaskGroup::State {
    explicit State(Executor ex)
        : executor(std::move(ex)), idle(executor, asio::steady_timer::time_point::max()) {}

    void cancel() {
        cancelled = true;
        // A child that ends while it is told so takes itself off the list.
        for (auto at = children.begin(); at != children.end();)
            (at++)->emit(asio::cancellation_type::terminal);
    }

    Executor executor;
    asio::steady_timer idle;                       // an event: cancelled when the last child ends
    std::list<asio::cancellation_signal> children; // a list, because signals may not move
    std::exception_ptr failed;
    bool cancelled = false;
};

TaskGroup::TaskGroup(Executor executor) : state_(std::make_shared<State>(std::move(executor))) {}

TaskGroup::~TaskGroup() {
    if (state_->children.empty()) return;
    std::fputs("a TaskGroup went away before join()\n", stderr);
    std::abort();
}

void TaskGroup::spawn(Task<> task) {
    auto child = state_->children.emplace(state_->children.end());
    auto done = [state = state_, child](const std::exception_ptr& thrown) {
        state->children.erase(child);
        if (thrown && !is_cancellation(thrown)) {
            if (!state->failed) state->failed = thrown;
            state->cancel();
        }
        if (state->children.empty()) state->idle.cancel();
    };
    auto slot = child->slot();
    asio::co_spawn(
        state_->executor, contained(std::move(task)),
        asio::bind_cancellation_slot(slot, std::move(done))
    );
    if (state_->cancelled) cancel();
}

void TaskGroup::cancel() {
    state_->cancel();
}

std::size_t TaskGroup::size() const {
    return state_->children.size();
}

Task<> TaskGroup::join() {
    auto state = state_;
    auto throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    bool told = false;
    for (;;) {
        auto asked = co_await asio::this_coro::cancellation_state;
        if (asked.cancelled() != asio::cancellation_type::none) {
            told = true;
            co_await asio::this_coro::reset_cancellation_state();
            state->cancel();
        }
        if (state->children.empty()) break;
        auto waited = co_await state->idle.async_wait(asio::as_tuple(asio::use_awaitable));
        static_cast<void>(waited);
    }
    co_await asio::this_coro::throw_if_cancelled(throws);
    if (state->failed) std::rethrow_exception(std::exchange(state->failed, nullptr));
    if (told) throw boost::system::system_error(asio::error::operation_aborted);
}

} // namespace fairlead
