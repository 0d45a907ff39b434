#include "common/async/within.hpp"

#include "common/async/event.hpp"

#include <boost/asio/this_coro.hpp>

namespace fairlead::detail {

namespace {

Task<> run_then_cancel(Task<> work, TaskGroup& group) {
    co_await std::move(work);
    group.cancel();
}

Task<> alarm(std::chrono::milliseconds limit, TaskGroup& group, bool& late) {
    co_await sleep_for(limit);
    late = true;
    group.cancel();
}

} // namespace

Task<bool> race_with_alarm(std::chrono::milliseconds limit, Task<> work) {
    auto executor = co_await asio::this_coro::executor;
    TaskGroup group(executor);
    bool late = false;
    group.spawn(run_then_cancel(std::move(work), group));
    group.spawn(alarm(limit, group, late));
    co_await group.join();
    co_return late;
}

} // namespace fairlead::detail
