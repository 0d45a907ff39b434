/// Schedules in cron's five fields.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/result.hpp"
#include "common/runtime/time_zone.hpp"

#include <bitset>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead {

/// "minute hour day month weekday": numbers, `*`, lists, ranges, steps, names (jan–dec, sun–sat,
/// any case; 7 is Sunday too), or @hourly, @daily, @midnight, @weekly, @monthly, @yearly,
/// @annually. When day and weekday are both restricted (neither begins with `*`), either is enough,
/// as in cron.
class Cron {
public:
    /// Errc::invalid, code "schedule_invalid"; names the field and the value. Also for what never
    /// comes ("0 0 31 2 *").
    static Result<Cron> parse(std::string_view text);

    bool operator==(const Cron&) const = default;

private:
    friend std::optional<Timestamp> next_after(const Cron&, const TimeZone&, Timestamp);
    friend std::vector<std::string> to_calendar(const Cron&, const TimeZone&);
    bool ever() const;
    bool fits_day(std::chrono::year_month_day day) const;

    std::bitset<60> minutes_;
    std::bitset<24> hours_;
    std::bitset<32> days_;
    std::bitset<13> months_;
    std::bitset<7> weekdays_; ///< 0 is Sunday
    bool any_day_ = true;
    bool any_weekday_ = true;
};

/// The first time after `after`, as systemd's timers have it: a wall time that clocks are put over
/// is left out that day, one that comes twice counts the first time. Empty when there is none
/// within 41 years.
std::optional<Timestamp> next_after(const Cron& cron, const TimeZone& zone, Timestamp after);

/// The same as systemd's OnCalendar= expressions: one, or two where day and weekday are both
/// restricted.
std::vector<std::string> to_calendar(const Cron& cron, const TimeZone& zone);

} // namespace fairlead
