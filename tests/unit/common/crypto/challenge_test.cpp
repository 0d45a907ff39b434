#include "common/crypto/challenge.hpp"
#include "common/crypto/random.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::crypto;
using namespace std::chrono_literals;

TEST_SUITE("common/crypto/challenge") {

    TEST_CASE("a challenge counts once, for who asked, until it runs out") {
        FakeClock clock;
        Challenges challenges(60s, 10);
        auto one = challenges.make("ann", clock.now());
        CHECK(one != challenges.make("ann", clock.now()));
        CHECK(challenges.good("ann", one, clock.now()));
        CHECK(!challenges.good("bob", one, clock.now()));
        CHECK(!challenges.good("ann", one, clock.now() + 60s));
        CHECK(challenges.good("ann", one, clock.now() + 60s - 1ms));
        CHECK(!challenges.take("bob", one, clock.now()));
        CHECK(challenges.take("ann", one, clock.now()));
        CHECK(!challenges.take("ann", one, clock.now()));
        CHECK(!challenges.good("ann", one, clock.now()));
    }

    TEST_CASE("what was made elsewhere, altered or cut is not good") {
        FakeClock clock;
        Challenges challenges(60s, 10), others(60s, 10);
        auto one = challenges.make("ann", clock.now());
        CHECK(!others.good("ann", one, clock.now()));
        for (std::size_t size = 0; size < one.size(); ++size)
            CHECK(!challenges.good("ann", one.substr(0, size), clock.now()));
        for (std::size_t at = 0; at < one.size(); ++at) {
            auto altered = one;
            altered[at] = altered[at] == 'x' ? 'y' : 'x';
            CHECK(!challenges.good("ann", altered, clock.now()));
        }
        for (auto text : {"", ".", "..", "...", "a.1.b"})
            CHECK(!challenges.good("ann", text, clock.now()));
    }

    TEST_CASE("beyond those that may be remembered none is taken, until one runs out") {
        FakeClock clock;
        Challenges challenges(60s, 2);
        CHECK(challenges.take("a", challenges.make("a", clock.now()), clock.now()));
        clock.advance(1s);
        CHECK(challenges.take("a", challenges.make("a", clock.now()), clock.now()));
        auto third = challenges.make("a", clock.now());
        CHECK(!challenges.take("a", third, clock.now()));
        clock.advance(59s);
        CHECK(challenges.take("a", third, clock.now()));
    }
}
