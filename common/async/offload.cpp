#include "common/async/offload.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>

namespace fairlead::detail {

// The coroutine's handler. (Asio 1.26's any_completion_handler copies itself without end when moved
// from an lvalue.)
struct OffloadedJob::Resume {
    virtual ~Resume() = default;
    virtual void post() = 0;
};

namespace {

template <class Base, class Handler>
struct ResumeWith final : Base {
    ResumeWith(Handler&& h, const Executor& ex)
        : handler(std::move(h)),
          executor(asio::prefer(ex, asio::execution::outstanding_work.tracked)) {}
    void post() override { asio::post(executor, std::move(handler)); }

    Handler handler;
    Executor executor; // tracks work, so that the loop does not end meanwhile
};

} // namespace

OffloadedJob::OffloadedJob() = default;
OffloadedJob::~OffloadedJob() = default;

Task<> OffloadedJob::run_on(WorkerPool& pool) {
    auto executor = co_await asio::this_coro::executor;
    auto start = [&](auto&& handler) {
        using Handler = std::decay_t<decltype(handler)>;
        resume_ = std::make_unique<ResumeWith<Resume, Handler>>(std::move(handler), executor);
        // What else is ready goes first: jobs that it brings along cost no waking of their own.
        if (pool.add(*this)) asio::post(executor, [&pool] { pool.wake(); });
    };
    co_await asio::async_initiate<decltype(asio::use_awaitable), void()>(
        start, asio::use_awaitable
    );
    if (failed_) std::rethrow_exception(failed_);
}

void OffloadedJob::run() {
    try {
        work();
    } catch (...) {
        failed_ = std::current_exception();
    }
    // Once posted, the coroutine may run and free this job.
    auto resume = std::move(resume_);
    resume->post();
}

} // namespace fairlead::detail
