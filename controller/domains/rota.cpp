#include "controller/domains/rota.hpp"

#include <algorithm>

namespace fairlead::domains {

std::optional<OrgId> Rota::take(const std::vector<Awaiting>& waiting) {
    std::erase_if(served_, [&](const auto& entry) {
        return !busy_.contains(entry.first) && std::ranges::none_of(waiting, [&](const auto& one) {
            return one.org_id == entry.first;
        });
    });
    const Awaiting* next = nullptr;
    std::uint64_t least = 0;
    for (const auto& one : waiting) {
        if (busy_.contains(one.org_id)) continue;
        auto found = served_.find(one.org_id);
        auto turn = found == served_.end() ? 0 : found->second;
        if (next && turn >= least) continue;
        next = &one;
        least = turn;
    }
    if (!next) return std::nullopt;
    busy_.insert(next->org_id);
    served_[next->org_id] = ++turns_;
    return next->org_id;
}

void Rota::give_back(const OrgId& org) {
    busy_.erase(org);
}

} // namespace fairlead::domains
