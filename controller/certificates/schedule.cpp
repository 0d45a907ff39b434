#include "controller/certificates/schedule.hpp"

#include <algorithm>
#include <array>

namespace fairlead::certificates {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr std::array<milliseconds, 6> pauses{5min, 15min, 1h, 3h, 6h, 12h};
constexpr std::int64_t below_an_hour = 2;

} // namespace

Timestamp renewal_at(Timestamp not_before, Timestamp not_after, double chance) {
    auto life = static_cast<double>((not_after - not_before).count());
    auto share = 2.0 / 3.0 + (chance - 0.5) / 25.0;
    return not_before + milliseconds(static_cast<std::int64_t>(life * share));
}

milliseconds pause_after(std::int64_t failures, double chance) {
    auto last = static_cast<std::int64_t>(pauses.size()) - 1;
    auto at = static_cast<std::size_t>(std::clamp<std::int64_t>(failures - 1, 0, last));
    auto pause = static_cast<double>(pauses[at].count());
    return milliseconds(static_cast<std::int64_t>(pause * (0.8 + 0.4 * chance)));
}

milliseconds pause_after_limit(std::int64_t failures, double chance) {
    auto last = static_cast<std::int64_t>(pauses.size());
    return pause_after(below_an_hour + std::clamp<std::int64_t>(failures, 1, last), chance);
}

} // namespace fairlead::certificates
