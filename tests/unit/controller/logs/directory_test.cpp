#include "asked_by.hpp"
#include "controller/logs/directory.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::logs;
using namespace std::chrono_literals;

TEST_SUITE("controller/logs/directory") {

    TEST_CASE("everybody has so many at once, and gets a place back") {
        FakeClock clock;
        DirectoryLimits limits;
        limits.of_reader = 2;
        limits.of_server = 3;
        Directory directory(limits);
        auto first = directory.reserve(asked_at(clock.now()));
        REQUIRE(first);
        REQUIRE(directory.reserve(asked_at(clock.now())));
        auto third = directory.reserve(asked_at(clock.now()));
        REQUIRE_FALSE(third);
        CHECK(third.error().code() == "too_many_readings");
        CHECK(third.error().kind() == Errc::rate_limited);
        auto other = asked_at(clock.now());
        other.reader = "key_B";
        REQUIRE(directory.reserve(other));
        other.id = ReadingId::make(clock.now());
        other.reader = "usr_C";
        CHECK_FALSE(directory.reserve(other));
        directory.remove((*first)->id);
        CHECK(directory.reserve(other));
    }

    TEST_CASE("each is taken once, and one that nobody takes gives its place up") {
        FakeClock clock;
        DirectoryLimits limits;
        limits.of_reader = 1;
        Directory directory(limits);
        auto held = directory.reserve(asked_at(clock.now())).value();
        CHECK(directory.take(held->id) == held);
        CHECK_FALSE(directory.take(held->id));
        clock.advance(1h);
        CHECK_FALSE(directory.reserve(asked_at(clock.now())));
        directory.remove(held->id);
        auto left = directory.reserve(asked_at(clock.now())).value();
        clock.advance(waits_for);
        CHECK(directory.reserve(asked_at(clock.now())));
        CHECK_FALSE(directory.take(left->id));
    }

    TEST_CASE("a bond takes away what it holds, and nothing else") {
        FakeClock clock;
        Directory directory;
        auto mine = directory.reserve(asked_at(clock.now())).value();
        auto other = asked_at(clock.now());
        other.bonds = {"ses_B"};
        auto theirs = directory.reserve(other).value();
        CHECK(directory.drop_bond("ses_A") == std::vector{mine->id});
        CHECK_FALSE(directory.take(mine->id));
        CHECK(directory.take(theirs->id));
    }

    TEST_CASE("a look is one for ten minutes") {
        FakeClock clock;
        Directory directory;
        auto look = look_of(asked_at(clock.now()));
        CHECK_FALSE(directory.was_noted(look, clock.now()));
        directory.note(look, clock.now());
        clock.advance(9min);
        CHECK(directory.was_noted(look, clock.now()));
        CHECK_FALSE(directory.was_noted(look + "x", clock.now()));
        clock.advance(1min);
        CHECK_FALSE(directory.was_noted(look, clock.now()));
    }
}
