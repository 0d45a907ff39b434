#include "common/runtime/rounds.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <semaphore>

using namespace fairlead;
using namespace std::chrono_literals;

namespace {

/// Rounds whose every beginning the test sees.
struct Seen {
    std::counting_semaphore<100> begun{0};
    std::atomic<int> count = 0;
    Rounds rounds;

    explicit Seen(std::function<Result<bool>(int, const std::stop_token&)> round)
        : rounds(
              {"counting",
               [this, round = std::move(round)](const std::stop_token& stop) {
                   auto number = ++count;
                   begun.release();
                   return round(number, stop);
               },
               [] { return 1h; }}
          ) {}

    bool begins() { return begun.try_acquire_for(20s); }
};

} // namespace

TEST_SUITE("common/runtime/rounds") {
    TEST_CASE("one follows another while there is something to do, and then it sleeps until woken"
    ) {
        Seen seen([](int number, const std::stop_token&) -> Result<bool> { return number < 3; });
        seen.rounds.start();
        for (int i = 0; i < 3; ++i) REQUIRE(seen.begins());
        CHECK(!seen.begun.try_acquire_for(20ms));
        seen.rounds.wake();
        REQUIRE(seen.begins());
        seen.rounds.stop();
        CHECK(seen.count == 4);
    }

    TEST_CASE("a word that comes in a round is not lost") {
        Rounds* rounds = nullptr;
        Seen seen([&](int number, const std::stop_token&) -> Result<bool> {
            if (number == 1) rounds->wake();
            return false;
        });
        rounds = &seen.rounds;
        seen.rounds.start();
        REQUIRE(seen.begins());
        REQUIRE(seen.begins());
    }

    TEST_CASE("one that fails or throws ends nothing") {
        Seen seen([](int number, const std::stop_token&) -> Result<bool> {
            if (number == 1) return fail(Errc::unavailable, "not now");
            if (number == 2) throw std::runtime_error("broken");
            return false;
        });
        seen.rounds.start();
        for (int i = 0; i < 3; ++i) {
            REQUIRE(seen.begins());
            seen.rounds.wake();
        }
    }

    TEST_CASE("a stop reaches the round under way, and waits for it") {
        std::atomic<bool> over = false;
        Seen seen([&](int, const std::stop_token& stop) -> Result<bool> {
            std::binary_semaphore asked(0);
            std::stop_callback told(stop, [&] { asked.release(); });
            asked.acquire();
            over = true;
            return true;
        });
        seen.rounds.start();
        REQUIRE(seen.begins());
        seen.rounds.stop();
        CHECK(over);
        CHECK(seen.count == 1);
    }
}
