/// How long to wait before dialling again.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>

namespace fairlead::link {

/// Full jitter: a random time from 0 to min(30 s, 0.5 s × 2ⁿ), so that thousands of agents do not
/// come back at once.
class Backoff {
public:
    using Milliseconds = std::chrono::milliseconds;
    static constexpr Milliseconds first{500}, longest{30'000};
    static constexpr std::chrono::minutes good_link{
        1}; ///< a link that lasted this long starts anew
    static constexpr std::chrono::minutes hopeless{
        5}; ///< between tries after "server unknown" and "revoked"

    /// `random(n)` gives a number from 0 to n.
    explicit Backoff(std::function<std::uint64_t(std::uint64_t)> random)
        : random_(std::move(random)) {}

    /// The wait after one more failure.
    Milliseconds next() {
        auto limit = std::min(longest, first * (1u << std::min(tries_, 10u)));
        ++tries_;
        return Milliseconds(random_(static_cast<std::uint64_t>(limit.count())));
    }

    /// A link has ended that lasted so long.
    void link_lasted(std::chrono::steady_clock::duration time) {
        if (time >= good_link) tries_ = 0;
    }

private:
    std::function<std::uint64_t(std::uint64_t)> random_;
    unsigned tries_ = 0;
};

} // namespace fairlead::link
