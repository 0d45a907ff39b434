/// A time limit on a whole piece of work.
#pragma once

#include "common/async/task_group.hpp"
#include "common/runtime/result.hpp"

#include <chrono>
#include <optional>

namespace fairlead {

namespace detail {

/// Runs `work`; cancels it after `limit` and waits until it has ended. True when the limit passed
/// first.
Task<bool> race_with_alarm(std::chrono::milliseconds limit, Task<> work);

template <class T>
Task<> store_result(Task<Result<T>> work, std::optional<Result<T>>& into) {
    into.emplace(co_await std::move(work));
}

} // namespace detail

/// Errc::timeout when `work` takes longer than `limit`; it has then been cancelled and has ended.
/// What `work` throws goes on up.
template <class T>
Task<Result<T>> within(std::chrono::milliseconds limit, Task<Result<T>> work) {
    std::optional<Result<T>> result;
    auto late =
        co_await detail::race_with_alarm(limit, detail::store_result<T>(std::move(work), result));
    // Work that reports its own cancellation as a failure was still late.
    if (!result || (late && !*result))
        co_return fail(
            Errc::timeout, "This took longer than " + std::to_string(limit.count()) + " ms."
        );
    co_return *std::move(result);
}

} // namespace fairlead
