#include "agent/link/replay_memory.hpp"

#include <algorithm>

namespace fairlead::link {

bool ReplayMemory::first_use(Timestamp expires, const proto::Capability::Nonce& nonce) {
    if (expires <= floor_) return false;
    Used one{expires, nonce};
    auto place = std::ranges::lower_bound(used_, one);
    if (place != used_.end() && *place == one) return false;
    used_.insert(place, one);
    if (used_.size() > most_) forget_first();
    return true;
}

void ReplayMemory::forget_before(Timestamp expires) {
    while (!used_.empty() && used_.front().expires < expires) forget_first();
}

void ReplayMemory::forget_first() {
    floor_ = std::max(floor_, used_.front().expires);
    used_.pop_front();
}

} // namespace fairlead::link
