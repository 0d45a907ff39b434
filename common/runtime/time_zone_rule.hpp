/// The rule at the end of a time zone's file: a POSIX TZ string such as
/// "CET-1CEST,M3.5.0,M10.5.0/3" (RFC 8536 section 3.3).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace fairlead {

class ZoneRule {
public:
    /// UTC.
    ZoneRule() = default;

    /// Empty for what is no such rule.
    static std::optional<ZoneRule> parse(std::string_view text);

    /// Seconds to add to UTC at that second since 1970.
    std::int32_t offset_at(std::int64_t second) const;

    std::int32_t standard = 0;

private:
    struct Change {
        enum class Kind { weekday_of_month, day_without_leap, day } kind = Kind::day;
        int month = 0, week = 0, day = 0;
        int seconds = 7200; ///< of wall time, from midnight

        std::int64_t local_second(int year) const;
    };
    struct Parser;

    std::int32_t summer_ = 0;
    bool has_summer_ = false;
    Change begin_, end_;
};

} // namespace fairlead
