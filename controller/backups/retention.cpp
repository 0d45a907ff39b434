#include "controller/backups/retention.hpp"

#include <chrono>
#include <functional>
#include <optional>

namespace fairlead::backups {
namespace {

using namespace std::chrono;

using LocalTime = sys_seconds; ///< what the clock on the wall says, as if it were UTC

LocalTime local(Timestamp at, const Zone& zone) {
    return floor<seconds>(at) + zone.offset_at(at);
}

std::int64_t hour_of(LocalTime at) {
    return floor<hours>(at).time_since_epoch().count();
}
std::int64_t day_of(LocalTime at) {
    return floor<days>(at).time_since_epoch().count();
}
std::int64_t week_of(LocalTime at) {
    // 1970-01-01 was a Thursday; weeks begin on Monday.
    auto day = day_of(at) + 3;
    return day >= 0 ? day / 7 : (day - 6) / 7;
}
std::int64_t month_of(LocalTime at) {
    year_month_day date(floor<days>(at));
    return int(date.year()) * 12 + unsigned(date.month());
}
std::int64_t year_of(LocalTime at) {
    return int(year_month_day(floor<days>(at)).year());
}

} // namespace

std::vector<std::vector<Rule>>
kept_by(const std::vector<Timestamp>& ends, const proto::Retention& retention, const Zone& zone) {
    std::vector<std::vector<Rule>> rules(ends.size());
    if (ends.empty()) return rules;
    rules.front().push_back(Rule::newest);
    bool any = retention.last || retention.hourly || retention.daily || retention.weekly ||
               retention.monthly || retention.yearly;
    if (!any) {
        for (auto& one : rules) one.push_back(Rule::everything);
        return rules;
    }
    for (std::size_t i = 0; i < ends.size() && i < retention.last; ++i)
        rules[i].push_back(Rule::last);
    auto keep = [&](Rule rule, std::uint32_t count, std::int64_t (*span_of)(LocalTime)) {
        std::optional<std::int64_t> before;
        for (std::size_t i = 0; i < ends.size() && count > 0; ++i) {
            auto span = span_of(local(ends[i], zone));
            if (span == before) continue;
            before = span;
            --count;
            rules[i].push_back(rule);
        }
    };
    keep(Rule::hourly, retention.hourly, &hour_of);
    keep(Rule::daily, retention.daily, &day_of);
    keep(Rule::weekly, retention.weekly, &week_of);
    keep(Rule::monthly, retention.monthly, &month_of);
    keep(Rule::yearly, retention.yearly, &year_of);
    return rules;
}

} // namespace fairlead::backups
