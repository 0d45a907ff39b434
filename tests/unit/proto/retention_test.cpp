#include "proto/retention.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <tuple>

using namespace fairlead;
using namespace fairlead::proto;
using namespace std::chrono_literals;

namespace {

Candidate at(const std::string& time, bool good = true) {
    return {time, from_rfc3339(time).value(), good};
}

TimeZone zone(const char* name) {
    return TimeZone::load(name).value();
}

std::vector<std::string> kept(const RetentionPlan& plan) {
    std::vector<std::string> ids;
    for (const auto& one : plan.kept) ids.push_back(one.id);
    return ids;
}

std::string rules_of(const RetentionPlan& plan, const std::string& id) {
    std::string text;
    for (const auto& one : plan.kept)
        for (auto rule : one.rules)
            if (one.id == id) text += (text.empty() ? "" : ",") + std::string(name_of(rule));
    return text;
}

using Ids = std::vector<std::string>;

} // namespace

TEST_SUITE("proto/retention") {

    TEST_CASE("of each day the newest stays, and each one that stays says why") {
        Retention keep;
        keep.last = 1;
        keep.daily = 2;
        keep.monthly = 2;
        auto plan = plan_retention(
            {at("2026-01-30T08:00:00Z"), at("2026-02-01T08:00:00Z"), at("2026-02-02T08:00:00Z"),
             at("2026-02-02T20:00:00Z"), at("2025-12-31T08:00:00Z"), at("2026-01-31T08:00:00Z")},
            keep, TimeZone()
        );
        CHECK(
            kept(plan) ==
            Ids{"2026-02-02T20:00:00Z", "2026-02-01T08:00:00Z", "2026-01-31T08:00:00Z"}
        );
        CHECK(rules_of(plan, "2026-02-02T20:00:00Z") == "last,daily,monthly,newest");
        CHECK(rules_of(plan, "2026-02-01T08:00:00Z") == "daily");
        CHECK(rules_of(plan, "2026-01-31T08:00:00Z") == "monthly");
        CHECK(
            plan.remove ==
            Ids{"2026-02-02T08:00:00Z", "2026-01-30T08:00:00Z", "2025-12-31T08:00:00Z"}
        );
    }

    TEST_CASE("weeks begin on Monday, years in January") {
        Retention weekly;
        weekly.weekly = 2;
        // 2026-02-01 is a Sunday.
        auto plan = plan_retention(
            {at("2026-01-26T00:00:00Z"), at("2026-02-01T23:59:59Z"), at("2026-02-02T00:00:00Z"),
             at("2026-01-25T23:00:00Z")},
            weekly, TimeZone()
        );
        CHECK(kept(plan) == Ids{"2026-02-02T00:00:00Z", "2026-02-01T23:59:59Z"});
        Retention yearly;
        yearly.yearly = 3;
        auto years = plan_retention(
            {at("2024-05-01T00:00:00Z"), at("2025-12-31T23:59:59Z"), at("2026-01-01T00:00:00Z"),
             at("2025-01-01T00:00:00Z")},
            yearly, TimeZone()
        );
        CHECK(years.remove == Ids{"2025-01-01T00:00:00Z"});
    }

    TEST_CASE("days and hours are those of the zone, also when clocks change") {
        Retention daily;
        daily.daily = 2;
        // 23:30 and 00:30 in Berlin, one day in UTC.
        std::vector<Candidate> night = {
            at("2026-07-01T21:30:00Z"), at("2026-07-01T22:30:00Z"), at("2026-07-01T10:00:00Z")};
        CHECK(plan_retention(night, daily, zone("Europe/Berlin")).kept.size() == 2);
        CHECK(plan_retention(night, daily, TimeZone()).kept.size() == 1);

        Retention hourly;
        hourly.hourly = 3;
        // 02:30 comes twice: two hours.
        auto plan = plan_retention(
            {at("2026-10-25T00:30:00Z"), at("2026-10-25T01:30:00Z"), at("2026-10-25T02:30:00Z"),
             at("2026-10-25T00:10:00Z")},
            hourly, zone("Europe/Berlin")
        );
        CHECK(plan.remove == Ids{"2026-10-25T00:10:00Z"});
        // An hour in Kathmandu begins at a quarter past.
        auto quarter = plan_retention(
            {at("2026-01-01T00:10:00Z"), at("2026-01-01T00:20:00Z")}, hourly, zone("Asia/Kathmandu")
        );
        CHECK(quarter.kept.size() == 2);
    }

    TEST_CASE("what is not good fills no place, and stays only while no good one is newer") {
        Retention keep;
        keep.daily = 2;
        auto plan = plan_retention(
            {at("2026-01-05T00:00:00Z", false), at("2026-01-04T00:00:00Z"),
             at("2026-01-03T00:00:00Z", false), at("2026-01-02T00:00:00Z"),
             at("2026-01-01T00:00:00Z")},
            keep, TimeZone()
        );
        CHECK(
            kept(plan) ==
            Ids{"2026-01-05T00:00:00Z", "2026-01-04T00:00:00Z", "2026-01-02T00:00:00Z"}
        );
        CHECK(rules_of(plan, "2026-01-05T00:00:00Z") == "no_better");
        CHECK(plan_retention({at("2026-01-05T00:00:00Z", false)}, keep, TimeZone()).remove.empty());
    }

    TEST_CASE("all zero keeps everything") {
        auto plan = plan_retention(
            {at("2026-01-05T00:00:00Z"), at("2020-01-04T00:00:00Z", false)}, {}, TimeZone()
        );
        CHECK(plan.remove.empty());
        CHECK(rules_of(plan, "2020-01-04T00:00:00Z") == "everything");
        CHECK(plan_retention({}, {}, TimeZone()).kept.empty());
    }

    TEST_CASE("for any candidates: nothing is lost, the newest good one stays, twice is once, more "
              "keeps more") {
        std::mt19937 random(7);
        const TimeZone zones[] = {TimeZone(), zone("Europe/Berlin"), zone("Australia/Lord_Howe")};
        auto number = [&](unsigned below) { return std::uint32_t(random() % below); };
        for (int round = 0; round < 400; ++round) {
            CAPTURE(round);
            const auto& where = zones[round % 3];
            std::vector<Candidate> all;
            auto count = 1 + number(60);
            for (std::uint32_t i = 0; i < count; ++i)
                all.push_back(
                    {"bak_" + std::to_string(i),
                     from_rfc3339("2026-10-20T00:00:00Z").value() -
                         std::chrono::minutes(number(round % 2 ? 10'000 : 1'500'000)),
                     number(5) > 0}
                );
            Retention keep{number(3), number(4), number(4), number(3), number(3), number(2)};
            auto plan = plan_retention(all, keep, where);

            std::set<std::string> ids;
            std::vector<Candidate> left;
            for (const auto& one : plan.kept) {
                CHECK(!one.rules.empty());
                ids.insert(one.id);
                for (const auto& candidate : all)
                    if (candidate.id == one.id) left.push_back(candidate);
            }
            auto kept_ids = ids;
            CHECK(!kept_ids.empty());
            for (const auto& id : plan.remove) CHECK(ids.insert(id).second);
            CHECK(ids.size() == all.size());

            const Candidate* newest = nullptr;
            for (const auto& candidate : all)
                if (candidate.good && (!newest || std::tie(candidate.at, candidate.id) >
                                                      std::tie(newest->at, newest->id)))
                    newest = &candidate;
            if (newest) CHECK(kept_ids.contains(newest->id));

            CHECK(plan_retention(left, keep, where).remove.empty());

            bool all_zero =
                keep.last + keep.hourly + keep.daily + keep.weekly + keep.monthly + keep.yearly ==
                0;
            std::uint32_t* members[] = {&keep.last,   &keep.hourly,  &keep.daily,
                                        &keep.weekly, &keep.monthly, &keep.yearly};
            ++*members[number(6)];
            if (all_zero) continue;
            auto more = plan_retention(all, keep, where);
            std::set<std::string> more_ids;
            for (const auto& one : more.kept) more_ids.insert(one.id);
            CHECK(std::includes(more_ids.begin(), more_ids.end(), kept_ids.begin(), kept_ids.end())
            );
        }
    }
}
