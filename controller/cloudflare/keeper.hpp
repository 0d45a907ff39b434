/// Looks after custom hostnames, on a thread of its own: one request at a time.
#pragma once

#include "controller/cloudflare/hostnames.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace fairlead::cloudflare {

class Keeper {
public:
    Keeper(Hostnames& hostnames, const Clock& clock) : hostnames_(hostnames), clock_(clock) {}
    Keeper(const Keeper&) = delete;

    /// Nothing where no zone is configured, but for a word about what stays in one of before.
    void start();
    /// Ends the request under way; what became of it is found out after the next start.
    void stop();
    /// Cheap; never blocks.
    void wake();

    /// How long a change of names may take to be noticed.
    static constexpr auto longest_sleep = std::chrono::seconds(15);

private:
    void run(const std::stop_token& stop);
    Result<bool> round(const std::stop_token& stop);
    std::chrono::milliseconds pause() const;

    Hostnames& hostnames_;
    const Clock& clock_;
    std::mutex lock_;
    std::condition_variable_any news_;
    bool woken_ = false;
    std::jthread thread_; ///< last: stopped and joined before the rest goes away
};

} // namespace fairlead::cloudflare
