#include "controller/edge/quota.hpp"

namespace fairlead::edge {

std::optional<Quota::Place> Quota::take(const std::string& owner) {
    if (limit_ == 0) return std::nullopt;
    auto& entry = *taken_.try_emplace(owner, 0).first;
    if (entry.second >= limit_) return std::nullopt;
    ++entry.second;
    return Place(*this, entry);
}

void Quota::give_back(Place::Entry& place) {
    if (--place.second == 0) taken_.erase(place.first);
}

} // namespace fairlead::edge
