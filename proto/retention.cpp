#include "proto/retention.hpp"

#include <algorithm>
#include <optional>
#include <tuple>

namespace fairlead::proto {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;
using std::chrono::local_days;
using std::chrono::seconds;

/// Names a span of time in a zone; two instants of one span have the same.
using Span = std::pair<std::int64_t, std::int64_t>;

Span span_of(KeepRule rule, Timestamp at, const TimeZone& zone) {
    auto second = floor<seconds>(at);
    auto local = zone.to_local(second);
    auto day = floor<days>(local);
    std::chrono::year_month_day date{day};
    auto month = int(date.year()) * 12 + static_cast<int>(unsigned(date.month()));
    switch (rule) {
    case KeepRule::hourly:
        // The hour that comes twice in autumn is two.
        return {floor<hours>(local).time_since_epoch().count(), zone.offset_at(second).count()};
    case KeepRule::daily:
        return {day.time_since_epoch().count(), 0};
    case KeepRule::weekly: {
        auto monday = day - (std::chrono::weekday(day) - std::chrono::Monday);
        return {monday.time_since_epoch().count(), 0};
    }
    case KeepRule::monthly:
        return {month, 0};
    case KeepRule::yearly:
        return {int(date.year()), 0};
    default:
        return {to_ms(at), 0};
    }
}

struct Marked {
    Candidate candidate;
    std::vector<KeepRule> rules;
};

/// Marks the newest good one of each of the latest `count` spans.
void mark(
    std::vector<Marked>& newest_first, KeepRule rule, std::uint32_t count, const TimeZone& zone
) {
    std::optional<Span> last;
    for (auto& one : newest_first) {
        if (count == 0) return;
        if (!one.candidate.good) continue;
        auto span = span_of(rule, one.candidate.at, zone);
        if (rule != KeepRule::last && last == span) continue;
        last = span;
        one.rules.push_back(rule);
        --count;
    }
}

} // namespace

std::string_view name_of(KeepRule rule) {
    switch (rule) {
    case KeepRule::last:
        return "last";
    case KeepRule::hourly:
        return "hourly";
    case KeepRule::daily:
        return "daily";
    case KeepRule::weekly:
        return "weekly";
    case KeepRule::monthly:
        return "monthly";
    case KeepRule::yearly:
        return "yearly";
    case KeepRule::everything:
        return "everything";
    case KeepRule::newest:
        return "newest";
    case KeepRule::no_better:
        return "no_better";
    }
    return "";
}

RetentionPlan plan_retention(
    std::vector<Candidate> candidates, const Retention& retention, const TimeZone& zone
) {
    std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
        return std::tie(a.at, a.id) > std::tie(b.at, b.id);
    });
    std::vector<Marked> all;
    for (auto& candidate : candidates) all.push_back({std::move(candidate), {}});

    const std::pair<KeepRule, std::uint32_t> numbers[] = {
        {KeepRule::last, retention.last},       {KeepRule::hourly, retention.hourly},
        {KeepRule::daily, retention.daily},     {KeepRule::weekly, retention.weekly},
        {KeepRule::monthly, retention.monthly}, {KeepRule::yearly, retention.yearly},
    };
    bool unlimited = true;
    for (auto [rule, count] : numbers) {
        unlimited = unlimited && count == 0;
        mark(all, rule, count, zone);
    }
    mark(all, KeepRule::newest, 1, zone);

    RetentionPlan plan;
    bool seen_good = false;
    for (auto& one : all) {
        seen_good = seen_good || one.candidate.good;
        if (!seen_good) one.rules.push_back(KeepRule::no_better);
        if (unlimited) one.rules = {KeepRule::everything};
        if (one.rules.empty())
            plan.remove.push_back(std::move(one.candidate.id));
        else
            plan.kept.push_back({std::move(one.candidate.id), std::move(one.rules)});
    }
    return plan;
}

} // namespace fairlead::proto
