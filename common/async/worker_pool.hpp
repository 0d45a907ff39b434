/// Threads for what blocks: SQLite, files, password hashing.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

namespace fairlead {

/// A fixed number of threads that run jobs in the order they came. One thread at a time is woken,
/// and wakes the next when it finds more than it takes: a few with warm caches do what is quick,
/// and many are there for when most wait for the disk. Destruction runs what is queued, then
/// joins.
class WorkerPool {
public:
    explicit WorkerPool(std::size_t threads);
    WorkerPool(const WorkerPool&) = delete;
    ~WorkerPool();

    /// One piece of work; owned by whoever posts it, alive until run() has returned. run() must not
    /// throw.
    class Job {
    public:
        virtual ~Job() = default;
        virtual void run() = 0;

    private:
        friend class WorkerPool;
        Job* next_ = nullptr;
    };

    /// True: the caller must see to it that wake() is called soon, and may not wait for a job
    /// before; so jobs that come together cost one waking. The queue itself has no limit: callers
    /// hold back by looking at queued() first, and each coroutine has at most one job here.
    /// Thread-safe, as wake() is.
    [[nodiscard]] bool add(Job& job);
    void wake();

    /// Jobs waiting for a thread right now. Thread-safe.
    std::size_t queued() const { return queued_.load(std::memory_order_relaxed); }

private:
    struct Sleeper {
        std::condition_variable wake;
        Sleeper* below = nullptr;
        bool called = false;
    };
    void work();
    Sleeper* next_sleeper(); ///< to be notified; none while one is on its way

    std::mutex mutex_;
    Sleeper* idle_ = nullptr; ///< a stack of threads without work
    Job* first_ = nullptr;
    Job* last_ = nullptr;
    std::size_t called_ = 0; ///< threads that were woken and have not come yet
    bool wake_due_ = false;  ///< somebody has promised to call wake()
    bool stopping_ = false;
    std::atomic<std::size_t> queued_ = 0;
    std::vector<std::thread> threads_;
};

} // namespace fairlead
