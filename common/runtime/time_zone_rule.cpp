#include "common/runtime/time_zone_rule.hpp"

#include <chrono>

namespace fairlead {

using namespace std::chrono;

struct ZoneRule::Parser {
    std::string_view rest;
    bool broken = false;

    bool skip(char wanted) {
        if (!rest.starts_with(wanted)) return false;
        rest.remove_prefix(1);
        return true;
    }

    void name() {
        if (skip('<')) {
            auto end = rest.find('>');
            if (end == std::string_view::npos) end = rest.size(), broken = true;
            rest.remove_prefix(broken ? end : end + 1);
            return;
        }
        std::size_t size = 0;
        auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
        while (size < rest.size() && letter(rest[size])) ++size;
        if (size < 3) broken = true;
        rest.remove_prefix(size);
    }

    int number(int min, int max) {
        int value = 0;
        std::size_t size = 0;
        for (; size < rest.size() && size < 4 && rest[size] >= '0' && rest[size] <= '9'; ++size)
            value = value * 10 + (rest[size] - '0');
        rest.remove_prefix(size);
        if (size == 0 || value < min || value > max) broken = true;
        return value;
    }

    /// [+-]hh[:mm[:ss]]; hours up to a week since version 3 of the format.
    int time() {
        int sign = skip('-') ? -1 : 1;
        if (sign > 0) skip('+');
        int seconds = number(0, 167) * 3600;
        if (skip(':')) seconds += number(0, 59) * 60;
        if (skip(':')) seconds += number(0, 59);
        return sign * seconds;
    }

    Change change() {
        Change change;
        if (!skip(',')) broken = true;
        if (skip('M')) {
            change.kind = Change::Kind::weekday_of_month;
            change.month = number(1, 12);
            if (!skip('.')) broken = true;
            change.week = number(1, 5);
            if (!skip('.')) broken = true;
            change.day = number(0, 6);
        } else if (skip('J')) {
            change.kind = Change::Kind::day_without_leap;
            change.day = number(1, 365);
        } else {
            change.day = number(0, 365);
        }
        if (skip('/')) change.seconds = time();
        return change;
    }
};

std::optional<ZoneRule> ZoneRule::parse(std::string_view text) {
    Parser parser{text};
    ZoneRule rule;
    parser.name();
    rule.standard = -parser.time();
    if (!parser.rest.empty() && !parser.broken) {
        rule.has_summer_ = true;
        parser.name();
        bool said = !parser.rest.empty() && parser.rest.front() != ',';
        rule.summer_ = said ? -parser.time() : rule.standard + 3600;
        rule.begin_ = parser.change();
        rule.end_ = parser.change();
    }
    if (parser.broken || !parser.rest.empty()) return std::nullopt;
    return rule;
}

std::int64_t ZoneRule::Change::local_second(int of_year) const {
    sys_days at = year(of_year) / January / 1;
    switch (kind) {
    case Kind::weekday_of_month: {
        auto in = year(of_year) / std::chrono::month(static_cast<unsigned>(month));
        std::chrono::weekday wanted(static_cast<unsigned>(day));
        at = week == 5 ? sys_days(in / wanted[last])
                       : sys_days(in / wanted[static_cast<unsigned>(week)]);
        break;
    }
    case Kind::day_without_leap:
        // 29 February has no number.
        at += days(day - 1 + (year(of_year).is_leap() && day >= 60 ? 1 : 0));
        break;
    case Kind::day:
        at += days(day);
        break;
    }
    return sys_seconds(at).time_since_epoch().count() + seconds;
}

std::int32_t ZoneRule::offset_at(std::int64_t second) const {
    if (!has_summer_) return standard;
    auto day = floor<days>(sys_seconds(std::chrono::seconds(second + standard)));
    int now = int(year_month_day(day).year());
    auto begin = begin_.local_second(now) - standard;
    auto end = end_.local_second(now) - summer_;
    // In the south summer goes over the turn of the year.
    bool is_summer =
        begin < end ? second >= begin && second < end : second >= begin || second < end;
    return is_summer ? summer_ : standard;
}

} // namespace fairlead
