#include "common/runtime/clock.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace fairlead {

Timestamp SystemClock::now() const {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()
    );
}

std::string to_rfc3339(Timestamp at) {
    using namespace std::chrono;
    auto day = floor<days>(at);
    year_month_day date(day);
    hh_mm_ss time(at - day);
    std::string text = "0000-00-00T00:00:00.000Z";
    auto put = [&](std::size_t last, std::size_t width, auto number) {
        for (; width > 0; --width, number /= 10)
            text[last--] = static_cast<char>('0' + number % 10);
    };
    put(3, 4, std::clamp(int(date.year()), 0, 9999));
    put(6, 2, unsigned(date.month()));
    put(9, 2, unsigned(date.day()));
    put(12, 2, time.hours().count());
    put(15, 2, time.minutes().count());
    put(18, 2, time.seconds().count());
    put(22, 3, time.subseconds().count());
    return text;
}

namespace {

/// Reads exactly `width` digits at `at`; -1 where there is anything else.
int digits(std::string_view text, std::size_t at, std::size_t width) {
    if (at + width > text.size()) return -1;
    int value = 0;
    for (char c : text.substr(at, width)) {
        if (c < '0' || c > '9') return -1;
        value = value * 10 + (c - '0');
    }
    return value;
}

} // namespace

Result<Timestamp> from_rfc3339(std::string_view text) {
    using namespace std::chrono;
    auto bad = [&] {
        return fail(
            Errc::invalid, fmt::format("\"{}\" is not a time such as 2026-01-31T23:59:59Z", text)
        );
    };
    if (text.size() < 20 || text.size() > 40 || text[4] != '-' || text[7] != '-' ||
        (text[10] != 'T' && text[10] != 't') || text[13] != ':' || text[16] != ':')
        return bad();
    int y = digits(text, 0, 4), mo = digits(text, 5, 2), d = digits(text, 8, 2);
    int h = digits(text, 11, 2), mi = digits(text, 14, 2), s = digits(text, 17, 2);
    if (y < 0 || mo < 0 || d < 0 || h < 0 || h > 23 || mi < 0 || mi > 59 || s < 0 || s > 60)
        return bad();
    year_month_day date{year(y), month(unsigned(mo)), day(unsigned(d))};
    if (!date.ok()) return bad();

    std::size_t at = 19;
    int millis = 0;
    if (text[at] == '.') {
        std::size_t first = ++at;
        int scale = 100;
        for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10)
            millis += (text[at] - '0') * scale;
        if (at == first) return bad();
    }
    minutes offset{0};
    auto zone = text.substr(at);
    if (zone.size() == 6 && (zone[0] == '+' || zone[0] == '-') && zone[3] == ':') {
        int oh = digits(zone, 1, 2), om = digits(zone, 4, 2);
        if (oh < 0 || oh > 23 || om < 0 || om > 59) return bad();
        offset = minutes(oh * 60 + om);
        if (zone[0] == '-') offset = -offset;
    } else if (zone != "Z" && zone != "z") {
        return bad();
    }
    auto at_utc =
        sys_days(date) + hours(h) + minutes(mi) + seconds(s) + milliseconds(millis) - offset;
    return Timestamp(time_point_cast<milliseconds>(at_utc));
}

} // namespace fairlead
