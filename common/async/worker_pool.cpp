#include "common/async/worker_pool.hpp"

#include <utility>

namespace fairlead {

/// So many jobs are worth a waking by themselves.
constexpr std::size_t enough = 8;

WorkerPool::WorkerPool(std::size_t threads) {
    threads_.reserve(threads);
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

WorkerPool::~WorkerPool() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
        for (auto* one = idle_; one; one = one->below) one->wake.notify_one();
    }
    for (auto& thread : threads_) thread.join();
}

bool WorkerPool::add(Job& job) {
    Sleeper* sleeper = nullptr;
    bool due = false;
    {
        std::lock_guard lock(mutex_);
        (last_ ? last_->next_ : first_) = &job;
        last_ = &job;
        if (queued_.fetch_add(1, std::memory_order_relaxed) + 1 >= enough) sleeper = next_sleeper();
        due = !std::exchange(wake_due_, true);
    }
    if (sleeper) sleeper->wake.notify_one();
    return due;
}

void WorkerPool::wake() {
    Sleeper* sleeper = nullptr;
    {
        std::lock_guard lock(mutex_);
        wake_due_ = false;
        sleeper = next_sleeper();
    }
    if (sleeper) sleeper->wake.notify_one();
}

WorkerPool::Sleeper* WorkerPool::next_sleeper() {
    if (!first_ || called_ > 0 || !idle_) return nullptr;
    auto* sleeper = idle_;
    idle_ = sleeper->below;
    sleeper->called = true;
    ++called_;
    return sleeper;
}

void WorkerPool::work() {
    Sleeper self;
    std::unique_lock lock(mutex_);
    for (;;) {
        while (!first_ && !stopping_) {
            self.called = false;
            self.below = idle_;
            idle_ = &self;
            self.wake.wait(lock, [&] { return self.called || stopping_; });
            if (self.called) --called_;
        }
        if (!first_) return;
        auto* job = first_;
        first_ = job->next_;
        if (!first_) last_ = nullptr;
        queued_.fetch_sub(1, std::memory_order_relaxed);
        auto* helper = next_sleeper(); // this job may block: somebody else sees to the others
        lock.unlock();
        if (helper) helper->wake.notify_one();
        job->run(); // may destroy the job
        lock.lock();
    }
}

} // namespace fairlead
