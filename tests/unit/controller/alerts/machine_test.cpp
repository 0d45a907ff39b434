#include "controller/alerts/machine.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace fairlead;
using namespace fairlead::alerts;
using namespace std::chrono_literals;

namespace {

/// Plays values, one each 30 s.
struct Player {
    Limits limits{Bad::above, 90, 80, 60s, 60s};
    Standing standing{};
    Timestamp now = from_ms(1'790'000'000'000);

    News play(std::optional<double> value) {
        now += 30s;
        auto done = step(limits, standing, value, now);
        standing = done.standing;
        return done.news;
    }
    std::vector<News> play_all(const std::vector<std::optional<double>>& values) {
        std::vector<News> all;
        for (auto value : values) all.push_back(play(value));
        return all;
    }
};

constexpr auto none = News::none, fired = News::fired, cleared = News::cleared;
using All = std::vector<News>;

} // namespace

TEST_SUITE("controller/alerts/machine") {

    TEST_CASE("what is bad for long enough fires once") {
        Player p;
        CHECK(p.play_all({95, 95, 95, 95, 99, 95}) == All{none, none, fired, none, none, none});
        CHECK(p.standing.state == State::firing);
    }

    TEST_CASE("a moment is no alert") {
        Player p;
        CHECK(p.play_all({95, 95, 50, 95, 95, 50}) == All(6, none));
        CHECK(p.standing.state == State::quiet);
    }

    TEST_CASE("it is over once it was good for long enough, and may fire again") {
        Player p;
        p.play_all({95, 95, 95});
        CHECK(p.play_all({70, 70, 70}) == All{none, none, cleared});
        CHECK(p.play_all({95, 95, 95}) == All{none, none, fired});
    }

    TEST_CASE("between the two limits nothing changes") {
        Player p;
        CHECK(p.play_all({85, 85, 85}) == All(3, none));
        CHECK(p.standing.state == State::quiet);
        p.play_all({95, 95, 95});
        CHECK(p.play_all({85, 85, 85, 85}) == All(4, none));
        CHECK(p.standing.state == State::firing);
        // Good, but not for long enough: from the beginning.
        CHECK(p.play_all({79, 85, 79, 79}) == All(4, none));
        CHECK(p.play(79) == cleared);
    }

    TEST_CASE("when nobody knows, what was told stays, and what was not begins anew") {
        Player p;
        CHECK(p.play_all({95, 95, {}, 95, 95}) == All(5, none));
        CHECK(p.play(95) == fired);
        CHECK(p.play_all({{}, {}, {}, {}}) == All(4, none));
        CHECK(p.standing.state == State::firing);
        CHECK(p.play_all({70, {}, 70, 70}) == All(4, none));
        CHECK(p.play(70) == cleared);
    }

    TEST_CASE("without a wait it fires and is over at once") {
        Player p;
        p.limits.wait = p.limits.clear_wait = 0s;
        CHECK(p.play_all({95, 95, 70, 70, 95}) == All{fired, none, cleared, none, fired});
    }

    TEST_CASE("some things are bad when they are few") {
        Player p;
        p.limits = {Bad::below, 10, 11, 0s, 0s};
        CHECK(
            p.play_all({12, 10.5, 10, 9, 10.5, 11, 10}) ==
            All{none, none, fired, none, none, cleared, fired}
        );
        Limits equal{Bad::below, 10, 10, 0s, 0s};
        CHECK(equal.is_bad(10));
        CHECK(!equal.is_good(10));
        CHECK(equal.is_good(10.1));
    }

    TEST_CASE("a clock that was set back makes nothing last longer") {
        Player p;
        p.play(95);
        p.now -= 1h;
        CHECK(p.play(95) == none);
        CHECK(p.standing.since == p.now);
        p.now -= 1h;
        p.play(95);
        CHECK(p.play_all({95, 95}) == All{none, fired});
    }

    TEST_CASE("each kind's recommended rule makes sense") {
        for (const auto& facts : all_kinds()) {
            CAPTURE(facts.name);
            Limits limits{facts.bad, facts.threshold, facts.clear, facts.wait, facts.clear_wait};
            CHECK(limits.is_bad(facts.threshold));
            CHECK(!limits.is_good(facts.threshold));
            CHECK(facts.threshold >= facts.least);
            CHECK(facts.threshold <= facts.most);
        }
    }
}
