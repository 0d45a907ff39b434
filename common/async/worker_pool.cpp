#include "common/async/worker_pool.hpp"

namespace fairlead {

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

void WorkerPool::post(Job& job) {
    Sleeper* sleeper = nullptr;
    {
        std::lock_guard lock(mutex_);
        (last_ ? last_->next_ : first_) = &job;
        last_ = &job;
        queued_.fetch_add(1, std::memory_order_relaxed);
        sleeper = idle_;
        if (sleeper) {
            idle_ = sleeper->below;
            sleeper->called = true;
        }
    }
    if (sleeper) sleeper->wake.notify_one();
}

void WorkerPool::work() {
    Sleeper self;
    for (;;) {
        Job* job = nullptr;
        {
            std::unique_lock lock(mutex_);
            while (!first_ && !stopping_) {
                self.called = false;
                self.below = idle_;
                idle_ = &self;
                self.wake.wait(lock, [&] { return self.called || stopping_; });
            }
            if (!first_) return;
            job = first_;
            first_ = job->next_;
            if (!first_) last_ = nullptr;
            queued_.fetch_sub(1, std::memory_order_relaxed);
        }
        job->run(); // may destroy the job
    }
}

} // namespace fairlead
