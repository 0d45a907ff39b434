/// Which capabilities have been used: each counts once.
#pragma once

#include "common/runtime/clock.hpp"
#include "proto/capability.hpp"

#include <cstddef>
#include <deque>

namespace fairlead::link {

/// At most `most` of them, 24 bytes each. Those that would run out first are forgotten first, and
/// then everything that runs out no later than they would counts as used: under a flood old ones
/// are refused, and none ever counts twice.
class ReplayMemory {
public:
    /// What runs out at `floor` or before counts as used.
    ReplayMemory(std::size_t most, Timestamp floor) : most_(most), floor_(floor) {}

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

    std::size_t most_;
    Timestamp floor_;
    std::deque<Used> used_; // sorted; what is new belongs to the end, but for clocks that jump
};

} // namespace fairlead::link
