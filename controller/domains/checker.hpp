/// Looks at what is due, on threads of its own.
#pragma once

#include "controller/domains/domains.hpp"
#include "controller/domains/rota.hpp"

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace fairlead::domains {

/// Thread-safe. Each thread looks at one claim at a time, and no organization has two of them; what
/// is due is in the store, so that nothing is lost with the process.
class Checker {
public:
    Checker(Domains& domains, Looker& looker, const Clock& clock, std::size_t threads = 4);
    /// Waits for the looks under way, at most 24 s each.
    ~Checker() = default;
    Checker(const Checker&) = delete;

    void start();
    /// No look begins any more.
    void end();
    /// And those under way are waited for.
    void stop();
    /// Something may be due earlier than was thought. Cheap; does not block.
    void wake();

    /// One look, as a thread makes it; false when nothing is due.
    bool step();

    static constexpr auto longest_sleep = std::chrono::seconds(15);
    /// When the store could not be asked, or written to.
    static constexpr auto store_pause = std::chrono::seconds(5);

private:
    void run(const std::stop_token& stop);
    Result<bool> try_step();
    Result<> look_for(const OrgId& org);
    std::chrono::milliseconds pause() const;

    Domains& domains_;
    Looker& looker_;
    const Clock& clock_;
    std::size_t threads_wanted_;
    std::mutex lock_;
    std::condition_variable_any news_;
    std::uint64_t changes_ = 0;
    Rota rota_;
    std::vector<std::jthread> threads_; ///< last: stopped and joined before the rest goes away
};

} // namespace fairlead::domains
