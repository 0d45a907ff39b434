/// Time zones by their IANA names, from the system's compiled files (TZif, RFC 8536). The C
/// library's own functions know one zone a process.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/result.hpp"
#include "common/runtime/time_zone_rule.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead {

/// Wall time without a zone: seconds since 1970-01-01 00:00 there.
using LocalSeconds = std::chrono::local_seconds;

/// A zone's rules. Immutable, cheap to move, thread-safe.
class TimeZone {
public:
    /// UTC, which needs no file.
    TimeZone() = default;

    /// Errc::invalid, code "time_zone_unknown": no such zone here, or no name of one ("../x",
    /// "/etc/passwd"). Errc::internal: its file makes no sense.
    static Result<TimeZone>
    load(std::string_view name, const std::filesystem::path& folder = "/usr/share/zoneinfo");

    const std::string& name() const { return name_; }

    /// What is added to UTC at that instant; seconds.
    std::chrono::seconds offset_at(std::chrono::sys_seconds at) const;
    LocalSeconds to_local(std::chrono::sys_seconds at) const;

    /// The instants that have this wall time: none when clocks were put forward over it, two when
    /// they were put back over it; in order.
    std::vector<std::chrono::sys_seconds> to_instants(LocalSeconds local) const;

private:
    struct Transition {
        std::int64_t at;
        std::int32_t offset; ///< from then on
    };

    bool read(std::string_view content);

    std::string name_ = "UTC";
    std::int32_t first_offset_ = 0;
    std::vector<Transition> transitions_;
    ZoneRule rule_; ///< what holds after the last transition
};

} // namespace fairlead
