#include "controller/passage/ended_bonds.hpp"

#include <algorithm>
#include <chrono>

namespace fairlead::passage {

void EndedBonds::note(const std::string& bond, Timestamp at) {
    using namespace std::chrono_literals;
    std::erase_if(ended_, [&](const auto& entry) { return entry.second + 1min < at; });
    ended_[bond] = at;
}

bool EndedBonds::any(const std::vector<std::string>& bonds, Timestamp since) const {
    return std::ranges::any_of(bonds, [&](const auto& bond) {
        auto found = ended_.find(bond);
        return found != ended_.end() && found->second >= since;
    });
}

} // namespace fairlead::passage
