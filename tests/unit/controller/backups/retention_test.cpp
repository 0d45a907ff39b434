#include "controller/backups/retention.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::backups;

namespace {

std::vector<Timestamp> at(std::initializer_list<const char*> times) {
    std::vector<Timestamp> ends;
    for (const auto* one : times) ends.push_back(from_rfc3339(one).value());
    return ends;
}

using Rules = std::vector<std::vector<Rule>>;

} // namespace

TEST_SUITE("controller/backups/retention") {

    TEST_CASE("without a rule everything stays, and nothing is nothing") {
        CHECK(kept_by({}, {}, Zone()).empty());
        auto rules = kept_by(at({"2026-11-28T10:00:00Z", "2020-01-01T00:00:00Z"}), {}, Zone());
        CHECK(rules == Rules{{Rule::newest, Rule::everything}, {Rule::everything}});
    }

    TEST_CASE("of each span the newest stays, for as many spans as have one") {
        auto ends =
            at({"2026-11-28T10:00:00Z", "2026-11-28T02:00:00Z", "2026-11-26T23:59:59Z",
                "2026-11-26T01:00:00Z", "2026-11-20T01:00:00Z"});
        proto::Retention retention;
        retention.daily = 2;
        auto rules = kept_by(ends, retention, Zone());
        CHECK(rules == Rules{{Rule::newest, Rule::daily}, {}, {Rule::daily}, {}, {}});
        retention.daily = 0;
        retention.last = 3;
        rules = kept_by(ends, retention, Zone());
        CHECK(rules == Rules{{Rule::newest, Rule::last}, {Rule::last}, {Rule::last}, {}, {}});
    }

    TEST_CASE("weeks begin on Monday, also before 1970; months and years are the calendar's") {
        proto::Retention weekly, monthly, yearly, hourly;
        weekly.weekly = monthly.monthly = yearly.yearly = hourly.hourly = 10;
        // Sunday and the Monday after it.
        auto two = at({"2026-11-23T00:00:00Z", "2026-11-22T23:59:59Z"});
        CHECK(kept_by(two, weekly, Zone())[1] == std::vector{Rule::weekly});
        auto one = at({"2026-11-22T23:59:59Z", "2026-11-16T00:00:00Z"});
        CHECK(kept_by(one, weekly, Zone())[1].empty());
        auto early = at({"1969-12-28T12:00:00Z", "1969-12-22T12:00:00Z", "1969-12-21T12:00:00Z"});
        CHECK(kept_by(early, weekly, Zone())[1].empty());
        CHECK(kept_by(early, weekly, Zone())[2] == std::vector{Rule::weekly});
        auto turn = at({"2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z"});
        CHECK(kept_by(turn, monthly, Zone())[1] == std::vector{Rule::monthly});
        CHECK(kept_by(turn, yearly, Zone())[1] == std::vector{Rule::yearly});
        CHECK(kept_by(turn, hourly, Zone())[1] == std::vector{Rule::hourly});
    }

    TEST_CASE("days begin where the customer lives, in summer and in winter") {
        proto::Retention daily;
        daily.daily = 10;
        auto berlin = Zone::named("Europe/Berlin");
        REQUIRE(berlin.offset_at(from_rfc3339("2026-01-15T00:00:00Z").value()).count() == 3600);
        CHECK(berlin.offset_at(from_rfc3339("2026-07-15T00:00:00Z").value()).count() == 7200);
        CHECK(berlin.offset_at(from_rfc3339("1880-01-01T00:00:00Z").value()).count() == 3208);
        // 23:30 and 00:30 there, one day in UTC.
        auto winter = at({"2026-01-15T23:30:00Z", "2026-01-15T22:30:00Z"});
        CHECK(kept_by(winter, daily, berlin)[1] == std::vector{Rule::daily});
        CHECK(kept_by(winter, daily, Zone())[1].empty());
        auto summer = at({"2026-07-15T22:30:00Z", "2026-07-15T21:30:00Z"});
        CHECK(kept_by(summer, daily, berlin)[1] == std::vector{Rule::daily});
    }

    TEST_CASE("what is no time zone is UTC, never a crash") {
        auto noon = from_rfc3339("2026-07-15T12:00:00Z").value();
        for (const auto* name : {"", "UTC", "Nowhere/Land", "../../etc/passwd", "Europe"})
            CHECK(Zone::named(name).offset_at(noon).count() == 0);
        std::string head = "TZif2" + std::string(39, '\xff');
        for (std::size_t size = 0; size <= head.size(); ++size)
            CHECK(Zone::parse(head.substr(0, size)).offset_at(noon).count() == 0);
    }
}
