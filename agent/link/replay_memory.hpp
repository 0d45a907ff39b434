/// Which capabilities have been used: each counts once.
#pragma once

#include "common/runtime/clock.hpp"
#include "proto/capability.hpp"

#include <cstddef>
#include <deque>

namespace fairlead::link {

/// At most `most` of them, 24 bytes each. Those that would run out first are forgotten first, and
/// from then on everything that runs out no later than they would counts as used: under a flood,
/// and when the clock is set back, old ones are refused, and none ever counts twice.
class ReplayMemory {
public:
    explicit ReplayMemory(std::size_t most) : most_(most) {}

    /// True for one that was not used yet; it is from now on.
    bool first_use(Timestamp expires, const proto::Capability::Nonce& nonce);
    /// Those that ran out before this are refused for that: they need not be remembered.
    void forget_before(Timestamp expires);

    std::size_t size() const { return used_.size(); }

private:
    struct Used {
        Timestamp expires;
        proto::Capability::Nonce nonce;
        auto operator<=>(const Used&) const = default;
    };

    void forget_first();

    std::size_t most_;
    Timestamp floor_ = Timestamp::min(); ///< what runs out then or before counts as used
    std::deque<Used> used_; // sorted; what is new belongs to the end, but for clocks that jump
};

} // namespace fairlead::link
