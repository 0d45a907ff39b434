#include "common/runtime/cron.hpp"
#include "common/runtime/process.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <sstream>

using namespace fairlead;
using namespace std::chrono_literals;

namespace {

Timestamp at(const char* text) {
    return from_rfc3339(text).value();
}

std::string next(const char* cron, const char* zone, const char* after) {
    auto found = next_after(Cron::parse(cron).value(), TimeZone::load(zone).value(), at(after));
    return found ? to_rfc3339(*found) : "never";
}

/// The times that systemd finds for these expressions together, in order.
std::vector<std::string>
ask_systemd(const std::vector<std::string>& calendars, Timestamp from, std::size_t count) {
    std::vector<std::string> times;
    for (const auto& calendar : calendars) {
        Command command;
        auto base = to_rfc3339(from);
        command.argv = {
            "systemd-analyze", "calendar", "--iterations=" + std::to_string(count),
            "--base-time=" + base.substr(0, 10) + " " + base.substr(11, 8) + " UTC", calendar};
        command.environment = {{"TZ", "UTC"}};
        auto output = run_ok(command);
        REQUIRE_MESSAGE(output, (output ? "" : output.error().message()));
        std::istringstream lines(*output);
        for (std::string line; std::getline(lines, line);) {
            auto is_time = line.find("Next elapse:") != std::string::npos ||
                           line.find("Iteration #") != std::string::npos ||
                           line.find("Iter. #") != std::string::npos;
            auto end = line.find(" UTC");
            if (is_time && end != std::string::npos && end >= 19)
                times.push_back(line.substr(end - 19, 19));
        }
    }
    std::sort(times.begin(), times.end());
    times.erase(std::unique(times.begin(), times.end()), times.end());
    times.resize(std::min(times.size(), count));
    return times;
}

std::string random_field(std::mt19937& random, int min, int max) {
    auto pick = [&](int from, int to) { return from + int(random() % unsigned(to - from + 1)); };
    switch (random() % 5) {
    case 0:
    case 1:
        return "*";
    case 2:
        return std::to_string(pick(min, max));
    case 3: {
        auto from = pick(min, max);
        return std::to_string(from) + "-" + std::to_string(pick(from, max)) + "/" +
               std::to_string(pick(1, 5));
    }
    default:
        return std::to_string(pick(min, max)) + "," + std::to_string(pick(min, max));
    }
}

} // namespace

TEST_SUITE("common/runtime/cron") {

    TEST_CASE("the next time follows the fields") {
        struct Row {
            const char *cron, *after, *next;
        };
        const Row rows[] = {
            {"* * * * *", "2026-01-01T00:00:00.000Z", "2026-01-01T00:01:00.000Z"},
            {"* * * * *", "2026-01-01T00:00:59.999Z", "2026-01-01T00:01:00.000Z"},
            {"30 2 * * *", "2026-01-01T02:30:00Z", "2026-01-02T02:30:00.000Z"},
            {"*/15 * * * *", "2026-01-01T10:16:00Z", "2026-01-01T10:30:00.000Z"},
            {"0 9-17/4 * * mon-fri", "2026-01-02T17:00:00Z", "2026-01-05T09:00:00.000Z"},
            {"0 0 * * 7", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00.000Z"},
            {"0 0 * * SUN", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00.000Z"},
            {"0 0 13 * fri", "2026-02-01T00:00:00Z", "2026-02-06T00:00:00.000Z"},
            {"0 0 13 * *", "2026-02-01T00:00:00Z", "2026-02-13T00:00:00.000Z"},
            {"0 0 */2 * fri", "2026-01-01T00:00:00Z", "2026-01-09T00:00:00.000Z"},
            {"0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00.000Z"},
            {"0 0 29 Feb *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00.000Z"},
            {"0 0 31 1,4 *", "2026-02-01T00:00:00Z", "2027-01-31T00:00:00.000Z"},
            {"@daily", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00.000Z"},
            {"@Hourly", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00.000Z"},
            {"@weekly", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00.000Z"},
            {"@monthly", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00.000Z"},
            {"@yearly", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00.000Z"},
        };
        for (const auto& row : rows) {
            CAPTURE(row.cron);
            CHECK(next(row.cron, "UTC", row.after) == row.next);
        }
    }

    TEST_CASE("the zone's clock counts, also where it is put forward or back") {
        CHECK(
            next("30 2 * * *", "Europe/Berlin", "2026-01-01T12:00:00Z") ==
            "2026-01-02T01:30:00.000Z"
        );
        CHECK(
            next("30 2 * * *", "Europe/Berlin", "2026-07-01T12:00:00Z") ==
            "2026-07-02T00:30:00.000Z"
        );
        CHECK(
            next("0 3 * * *", "Asia/Kathmandu", "2026-01-01T00:00:00Z") ==
            "2026-01-01T21:15:00.000Z"
        );
        // 02:30 does not come on 29 March, and comes twice on 25 October.
        CHECK(
            next("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z") ==
            "2026-03-30T00:30:00.000Z"
        );
        CHECK(
            next("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z") ==
            "2026-10-25T00:30:00.000Z"
        );
        CHECK(
            next("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z") ==
            "2026-10-26T01:30:00.000Z"
        );
        CHECK(
            next("0 * * * *", "Europe/Berlin", "2026-03-29T00:30:00Z") == "2026-03-29T01:00:00.000Z"
        );
    }

    TEST_CASE("what is no schedule is refused by field and value") {
        struct Row {
            std::string cron;
            const char *field, *value;
        };
        const Row rows[] = {
            {"60 * * * *", "minute", "'60'"},
            {"* 24 * * *", "hour", "'24'"},
            {"* * 0 * *", "day", "'0'"},
            {"* * * 13 *", "month", "'13'"},
            {"* * * * 8", "weekday", "'8'"},
            {"* * * * mon-sux", "weekday", "'sux'"},
            {"5-1 * * * *", "minute", "'5-1'"},
            {"*/0 * * * *", "minute", "'*/0'"},
            {"*/60 * * * *", "minute", "'*/60'"},
            {"5/10 * * * *", "minute", "'5/10'"},
            {"1,,2 * * * *", "minute", "''"},
            {"* * * * fri-mon", "weekday", "'fri-mon'"},
            {"-1 * * * *", "minute", "''"},
            {"+1 * * * *", "minute", "'+1'"},
            {"001 * * * *", "minute", "'001'"},
            {"1- * * * *", "minute", "''"},
            {"jan * * * *", "minute", "'jan'"},
            {"0 0 31 2,4 *", "day", "'31'"},
            {"* * * *", "five fields", "4"},
            {"* * * * * *", "five fields", "6"},
            {"", "five fields", "0"},
            {"@reboot", "@daily", "'@reboot'"},
            {std::string(2000, '*'), "too long", ""},
        };
        for (const auto& row : rows) {
            CAPTURE(row.cron);
            auto cron = Cron::parse(row.cron);
            REQUIRE(!cron);
            CHECK(cron.error().code() == "schedule_invalid");
            CHECK(cron.error().message().find(row.field) != std::string::npos);
            CHECK(cron.error().message().find(row.value) != std::string::npos);
        }
        CHECK(Cron::parse("0 0 31 2 mon"));
        CHECK(Cron::parse("\t0  0 1 jan sun ").value() == Cron::parse("0 0 1 1 7").value());
    }

    TEST_CASE("day and weekday both restricted are two expressions for systemd") {
        TimeZone utc;
        CHECK(
            to_calendar(Cron::parse("0 3 1,15 * mon").value(), utc) ==
            std::vector<std::string>{"*-*-01,15 03:00:00 UTC", "Mon *-*-* 03:00:00 UTC"}
        );
        CHECK(
            to_calendar(
                Cron::parse("*/20 * * 2-3 *").value(), TimeZone::load("Europe/Berlin").value()
            ) == std::vector<std::string>{"*-02,03-* *:00,20,40:00 Europe/Berlin"}
        );
    }

    TEST_CASE("systemd's own timers come to the same times") {
        std::mt19937 random(20260131);
        const char* zones[] = {
            "UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu", "Australia/Sydney"};
        constexpr std::size_t count = 20;
        for (int i = 0; i < 250; ++i) {
            auto text = random_field(random, 0, 59) + " " + random_field(random, 0, 23) + " " +
                        random_field(random, 1, 28) + " " + random_field(random, 1, 12) + " " +
                        random_field(random, 0, 6);
            auto zone = TimeZone::load(zones[i % std::size(zones)]).value();
            CAPTURE(text);
            CAPTURE(zone.name());
            auto cron = Cron::parse(text);
            REQUIRE(cron);
            auto from = at("2026-04-10T03:17:00Z") + std::chrono::hours(random() % (24 * 365));
            auto calendars = to_calendar(*cron, zone);
            auto theirs = ask_systemd(calendars, from, count);
            std::vector<std::string> ours;
            for (auto time = next_after(*cron, zone, from); time && ours.size() < theirs.size();
                 time = next_after(*cron, zone, *time)) {
                auto shown = to_rfc3339(*time);
                ours.push_back(shown.substr(0, 10) + " " + shown.substr(11, 8));
            }
            CHECK(ours.size() > 0);
            CHECK(ours == theirs);
        }
    }
}
