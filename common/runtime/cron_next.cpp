#include "common/runtime/cron.hpp"

namespace fairlead {
namespace {

using namespace std::chrono;

/// 29 February may be eight years away; where it must be a certain weekday, forty.
constexpr auto horizon = days(366 * 41);

constexpr std::string_view weekday_names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

/// "*" when all from `min` on are in, else "01,02,15".
template <std::size_t N>
std::string list_of(const std::bitset<N>& set, std::size_t min) {
    std::string list;
    std::size_t count = 0;
    for (std::size_t i = min; i < N; ++i) {
        if (!set[i]) continue;
        if (count++ > 0) list += ',';
        if (i < 10) list += '0';
        list += std::to_string(i);
    }
    return count == N - min ? "*" : list;
}

} // namespace

bool Cron::fits_day(year_month_day day) const {
    if (!months_[unsigned(day.month())]) return false;
    bool by_day = days_[unsigned(day.day())];
    bool by_weekday = weekdays_[weekday(local_days(day)).c_encoding()];
    return any_day_ || any_weekday_ ? by_day && by_weekday : by_day || by_weekday;
}

std::optional<Timestamp> next_after(const Cron& cron, const TimeZone& zone, Timestamp after) {
    auto from = zone.to_local(floor<seconds>(after));
    auto today = floor<days>(from);
    for (auto day = today; day < today + horizon; day += days(1)) {
        if (!cron.fits_day(year_month_day(day))) continue;
        for (std::size_t minute = 0; minute < 24 * 60; ++minute) {
            if (!cron.hours_[minute / 60] || !cron.minutes_[minute % 60]) continue;
            LocalSeconds local = day + minutes(minute);
            // The first instants of wall times come in their order, so none before is too late.
            if (local <= from) continue;
            auto instants = zone.to_instants(local);
            if (!instants.empty() && instants[0] > after) return Timestamp(instants[0]);
        }
    }
    return std::nullopt;
}

std::vector<std::string> to_calendar(const Cron& cron, const TimeZone& zone) {
    std::string weekdays;
    for (std::size_t i = 0; i < cron.weekdays_.size() && !cron.weekdays_.all(); ++i)
        if (cron.weekdays_[i])
            weekdays += (weekdays.empty() ? "" : ",") + std::string(weekday_names[i]);
    if (!weekdays.empty()) weekdays += ' ';
    auto months = "*-" + list_of(cron.months_, 1) + "-";
    auto days = list_of(cron.days_, 1);
    auto time =
        " " + list_of(cron.hours_, 0) + ":" + list_of(cron.minutes_, 0) + ":00 " + zone.name();
    if (cron.any_day_ || cron.any_weekday_) return {weekdays + months + days + time};
    return {months + days + time, weekdays + months + "*" + time};
}

} // namespace fairlead
