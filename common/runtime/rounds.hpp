/// A thread that does one round after another, and sleeps between them.
#pragma once

#include "common/runtime/result.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

namespace fairlead {

class Rounds {
public:
    struct Work {
        std::string what; ///< "looking after certificates": what is said to have failed, in the log
        /// True: the next one follows at once. Failing, or throwing, is logged, and it sleeps.
        std::function<Result<bool>(const std::stop_token&)> round;
        std::function<std::chrono::milliseconds()> pause; ///< how long it sleeps then
    };

    explicit Rounds(Work work) : work_(std::move(work)) {}
    Rounds(const Rounds&) = delete;

    void start();
    /// Asks the round under way to stop, and waits for it. So does the destructor.
    void stop();
    /// Ends the sleep, or keeps the next one from beginning. Thread-safe, cheap; never blocks.
    void wake();

private:
    void run(const std::stop_token& stop);

    Work work_;
    std::mutex lock_;
    std::condition_variable_any news_;
    bool woken_ = false;
    std::jthread thread_; ///< last: stopped and joined before the rest goes away
};

} // namespace fairlead
