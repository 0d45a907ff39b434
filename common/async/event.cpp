#include "common/async/event.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace fairlead {

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

Task<bool> was_cancelled() {
    auto state = co_await asio::this_coro::cancellation_state;
    co_return state.cancelled() != asio::cancellation_type::none;
}

} // namespace

Event::Event(Executor executor)
    : timer_(std::move(executor), asio::steady_timer::time_point::max()) {}

void Event::notify() {
    set_ = true;
    timer_.cancel();
}

Task<> Event::wait() {
    while (!set_) {
        auto ended = co_await timer_.async_wait(as_result);
        static_cast<void>(ended);
        if (!set_ && co_await was_cancelled())
            throw boost::system::system_error(asio::error::operation_aborted);
    }
    set_ = false;
}

Task<bool> Event::wait_for(std::chrono::milliseconds limit) {
    if (!set_) {
        timer_.expires_after(limit);
        auto ended = co_await timer_.async_wait(as_result);
        timer_.expires_at(asio::steady_timer::time_point::max());
        if (!set_ && std::get<0>(ended) && co_await was_cancelled())
            throw boost::system::system_error(asio::error::operation_aborted);
    }
    co_return std::exchange(set_, false);
}

Task<> sleep_for(std::chrono::milliseconds duration) {
    auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, duration);
    co_await timer.async_wait(asio::use_awaitable);
}

} // namespace fairlead
