#include "controller/alerts/kinds.hpp"

#include <algorithm>
#include <array>

namespace fairlead::alerts {
namespace {

using namespace std::chrono_literals;

constexpr std::array table{
    KindFacts{Kind::cpu, "Processor busy", "%", Bad::above, 1, 100, 90, 80, 10min, 5min},
    KindFacts{Kind::memory, "Memory short", "%", Bad::above, 1, 100, 90, 85, 10min, 5min},
    KindFacts{Kind::disk, "Disk nearly full", "%", Bad::above, 1, 100, 90, 87, 5min, 5min},
    KindFacts{Kind::server_offline, "Server offline", "", Bad::state, 1, 1, 1, 0, 5min, 1min},
    KindFacts{Kind::environment_down, "Environment down", "", Bad::state, 1, 1, 1, 0, 2min, 1min},
    KindFacts{Kind::backup_too_old, "Backup too old", "h", Bad::above, 1, 24 * 366, 26, 26, 0s, 0s},
    KindFacts{
        Kind::certificate_ending, "Certificate near its end", "days", Bad::below, 1, 365, 10, 11,
        0s, 0s},
};

} // namespace

const KindFacts& facts_of(Kind kind) {
    return *std::ranges::find(table, kind, &KindFacts::kind);
}

std::span<const KindFacts> all_kinds() {
    return table;
}

} // namespace fairlead::alerts
