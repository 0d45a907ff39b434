#include "controller/alerts/letters.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace fairlead::alerts {
namespace {

constexpr std::size_t most_lines = 50;

/// "5 min", "90 s", "2 h".
std::string lasting(std::int64_t seconds) {
    if (seconds % 3600 == 0 && seconds > 0) return fmt::format("{} h", seconds / 3600);
    if (seconds % 60 == 0 && seconds > 0) return fmt::format("{} min", seconds / 60);
    return fmt::format("{} s", seconds);
}

/// One place at most, and none where it says nothing.
std::string figure(double value) {
    auto tenths = std::round(value * 10);
    if (std::fmod(tenths, 10) == 0) return fmt::format("{:.0f}", tenths / 10);
    return fmt::format("{:.1f}", tenths / 10);
}

std::string state_of(const Alert& alert, bool over) {
    const auto& who = alert.subject_name;
    auto value = figure(alert.value);
    switch (alert.kind) {
    case Kind::cpu:
        return fmt::format("{} uses {} % of its processors", who, value);
    case Kind::memory:
        return fmt::format("{} uses {} % of its memory", who, value);
    case Kind::disk:
        return fmt::format("{} has {} % of its disk in use", who, value);
    case Kind::server_offline:
        return who + (over ? " is online again" : " is offline");
    case Kind::environment_down:
        return who + (over ? " is as it should be" : " is down");
    case Kind::backup_too_old:
        if (over) return who + " has a new backup";
        return fmt::format("{} has had no good backup for {} h", who, value);
    case Kind::certificate_ending:
        if (alert.value < 0) return fmt::format("the certificate of {} has run out", who);
        return fmt::format("the certificate of {} is good for {} more days", who, value);
    }
    return who;
}

} // namespace

std::string sentence(const Alert& alert, const Rule& rule) {
    bool over = !alert.open();
    auto text = fmt::format("{}: {}", rule.name, state_of(alert, over));
    const auto& facts = facts_of(alert.kind);
    std::string limit;
    if (facts.bad != Bad::state && !over)
        limit = fmt::format(
            "{} {} or {}", figure(rule.threshold), facts.unit,
            facts.bad == Bad::above ? "more" : "less"
        );
    if (rule.wait_s > 0 && !over)
        limit += (limit.empty() ? "for " : " for ") + lasting(rule.wait_s);
    return limit.empty() ? text + "." : fmt::format("{} ({}).", text, limit);
}

AlertLetter letter_of(const std::vector<Told>& told, const std::string& link) {
    auto fired = static_cast<std::size_t>(std::ranges::count(told, true, &Told::fired));
    auto over = told.size() - fired;
    AlertLetter letter;
    if (told.size() == 1) {
        const auto& one = told.front();
        letter.subject = fmt::format(
            "{}: {}, {}", one.fired ? "Alert" : "Over", one.rule_name, one.subject_name
        );
    } else if (fired == 0) {
        letter.subject = fmt::format("{} alerts are over", over);
    } else {
        letter.subject = fmt::format("{} alert{}", fired, fired == 1 ? "" : "s");
        if (over > 0) letter.subject += fmt::format(", {} over", over);
    }
    std::size_t lines = 0;
    for (bool firing : {true, false})
        for (const auto& one : told) {
            if (one.fired != firing) continue;
            if (++lines > most_lines) continue;
            letter.text += (firing ? "ALERT  " : "OVER   ") + one.text + "\n";
        }
    if (lines > most_lines) letter.text += fmt::format("… and {} more.\n", lines - most_lines);
    letter.text += fmt::format(
        "\nEach is told once when it begins and once when it is over. All of them, and the rules: "
        "{}\n",
        link
    );
    return letter;
}

} // namespace fairlead::alerts
