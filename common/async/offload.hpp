/// Blocking work from a coroutine, run on the worker pool; the coroutine goes on where it was.
#pragma once

#include "common/async/task.hpp"
#include "common/async/worker_pool.hpp"

#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace fairlead {

namespace detail {

/// Suspends the calling coroutine until `job` has run on the pool and `finished` was called from
/// there.
class OffloadedJob : public WorkerPool::Job {
public:
    OffloadedJob();
    ~OffloadedJob() override;
    struct Resume;
    Task<> run_on(WorkerPool& pool);

protected:
    virtual void work() = 0;

private:
    void run() final;
    std::unique_ptr<Resume> resume_;
    std::exception_ptr failed_;
};

} // namespace detail

/// Runs `work()` on a thread of `pool` and returns what it returned, or throws what it threw. It is
/// begun at the end of the loop's turn: whoever blocks the loop's thread until then waits for ever.
/// Not cancellable: a cancelled caller goes on only when the work is done, so `work` may refer to
/// the caller's variables. The pool outlives the loop's run.
///
///     auto load = [&] { return store.read(...); };     // one line to build
///     auto rows = co_await offload(pool, load);        // one line to await
template <class Work>
Task<std::invoke_result_t<Work&>> offload(WorkerPool& pool, Work work) {
    using Value = std::invoke_result_t<Work&>;
    struct Job final : detail::OffloadedJob {
        explicit Job(Work& body) : body_(body) {}
        void work() override {
            if constexpr (std::is_void_v<Value>)
                body_();
            else
                value_.emplace(body_());
        }
        Work& body_;
        std::optional<std::conditional_t<std::is_void_v<Value>, bool, Value>> value_;
    };
    Job job(work);
    co_await job.run_on(pool);
    if constexpr (!std::is_void_v<Value>) co_return *std::move(job.value_);
}

} // namespace fairlead
