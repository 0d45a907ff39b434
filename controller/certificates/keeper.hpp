/// Looks after certificates, on a thread of its own: one attempt at a time.
#pragma once

#include "controller/certificates/certificates.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace fairlead::certificates {

class Keeper {
public:
    Keeper(Certificates& certificates, const Clock& clock)
        : certificates_(certificates), clock_(clock) {}
    Keeper(const Keeper&) = delete;

    /// Shows what there is; then the thread. Throws when the store cannot be read.
    void start();
    /// Ends the attempt under way; it is made again after the next start.
    void stop();
    /// Cheap; never blocks.
    void wake();

    /// How long a change of names may take to be noticed.
    static constexpr auto longest_sleep = std::chrono::seconds(15);

private:
    void run(const std::stop_token& stop);
    Result<bool> round(const std::stop_token& stop);
    std::chrono::milliseconds pause() const;

    Certificates& certificates_;
    const Clock& clock_;
    std::mutex lock_;
    std::condition_variable_any news_;
    bool woken_ = false;
    std::jthread thread_; ///< last: stopped and joined before the rest goes away
};

} // namespace fairlead::certificates
