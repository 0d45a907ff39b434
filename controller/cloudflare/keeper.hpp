/// Looks after custom hostnames, on a thread of its own: one request at a time.
#pragma once

#include "common/runtime/rounds.hpp"
#include "controller/cloudflare/hostnames.hpp"

namespace fairlead::cloudflare {

class Keeper {
public:
    Keeper(Hostnames& hostnames, const Clock& clock);
    Keeper(const Keeper&) = delete;

    /// Nothing where no zone is configured, but for a word about what stays in one of before.
    void start();
    /// Ends the request under way; what became of it is found out after the next start.
    void stop() { rounds_.stop(); }
    /// Cheap; never blocks.
    void wake() { rounds_.wake(); }

    /// How long a change of names may take to be noticed.
    static constexpr auto longest_sleep = std::chrono::seconds(15);

private:
    Result<bool> round(const std::stop_token& stop);
    std::chrono::milliseconds pause() const;

    Hostnames& hostnames_;
    const Clock& clock_;
    Rounds rounds_; ///< last: it uses the others
};

} // namespace fairlead::cloudflare
