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
    }
    wake_.notify_all();
    for (auto& thread : threads_) thread.join();
}

void WorkerPool::post(Job& job) {
    {
        std::lock_guard lock(mutex_);
        (last_ ? last_->next_ : first_) = &job;
        last_ = &job;
        queued_.fetch_add(1, std::memory_order_relaxed);
    }
    wake_.notify_one();
}

void WorkerPool::work() {
    for (;;) {
        Job* job = nullptr;
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return first_ || stopping_; });
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
