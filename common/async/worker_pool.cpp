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
        auto waiting = queued_.fetch_add(1, std::memory_order_relaxed) + 1;
        // Whoever is on the way takes one each.
        if (waiting > called_) sleeper = idle_;
        if (sleeper) {
            idle_ = sleeper->below;
            sleeper->called = true;
            ++called_;
        }
    }
    if (sleeper) sleeper->wake.notify_one();
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
        lock.unlock();
        job->run(); // may destroy the job
        lock.lock();
    }
}

} // namespace fairlead
