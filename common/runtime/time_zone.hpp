/// Time zones by their IANA names, from the system's compiled files (TZif, RFC 8536). The C
/// library's own functions know one zone a process.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/result.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
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
    /// A day of a rule, and when in it: "M10.5.0/3", "J60", "59".
    struct RuleDay {
        enum class Kind { month, julian, day } kind = Kind::month;
        int month = 0, week = 0, day = 0;
        int seconds = 7200;
    };
    /// What holds after the last transition: a POSIX TZ string.
    struct Rule {
        std::int32_t standard = 0;
        std::int32_t summer = 0;
        bool has_summer = false;
        RuleDay begin, end;
    };
    struct Transition {
        std::int64_t at;
        std::int32_t offset; ///< from then on
    };
    struct Parser;
    struct RuleParser;

    static std::int64_t instant_of(const RuleDay& day, int year, std::int32_t offset);
    std::int32_t offset_by_rule(std::int64_t at) const;

    std::string name_ = "UTC";
    std::int32_t first_offset_ = 0;
    std::vector<Transition> transitions_;
    Rule rule_;
};

} // namespace fairlead
