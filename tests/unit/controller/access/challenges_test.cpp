#include "../support/site.hpp"
#include "controller/access/challenges.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;
using access::Challenge;
using access::Challenges;

namespace {

struct Fixture {
    template <class Work>
    auto with(Work work) {
        return site.store->write([&](store::UnitOfWork& unit) {
            Challenges challenges(unit.db(), site.keys);
            return work(challenges);
        });
    }
    std::string make(std::string_view kind, std::optional<UserId> user = {}) {
        return std::string(with([&](Challenges& challenges) {
                               return challenges.make(
                                   kind, {user, {}, Secret("what it is for")}, 5min,
                                   site.clock.now()
                               );
                           })
                               .value()
                               .reveal());
    }
    bool take(std::string_view kind, std::string_view token) {
        return with([&](Challenges& challenges) {
                   return challenges.take(kind, token, site.clock.now());
               }
        ).has_value();
    }
    Site site;
};

} // namespace

TEST_SUITE("controller/access/challenges") {

    TEST_CASE("a token is good once, for what it was made for, and for its time") {
        Fixture fixture;
        auto token = fixture.make("totp");
        CHECK(!fixture.take("passkey", token));
        auto found = fixture.with([&](Challenges& challenges) {
            return challenges.look("totp", token, fixture.site.clock.now());
        });
        CHECK(found.value().data.reveal() == "what it is for");
        CHECK(fixture.take("totp", token));
        CHECK(!fixture.take("totp", token));
        auto late = fixture.make("totp");
        fixture.site.clock.advance(5min);
        CHECK(!fixture.take("totp", late));
        for (auto bad : {"", "flp_", "flo_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"})
            CHECK(!fixture.take("totp", bad));
    }

    TEST_CASE("the fifth wrong answer uses it up") {
        Fixture fixture;
        auto token = fixture.make("totp");
        auto fail_once = [&] {
            CHECK(fixture.with([&](Challenges& challenges) { return challenges.failed(token); }));
        };
        for (int i = 0; i < 4; ++i) fail_once();
        CHECK(fixture.with([&](Challenges& challenges) {
            return challenges.look("totp", token, fixture.site.clock.now());
        }));
        fail_once();
        CHECK(!fixture.take("totp", token));
    }

    TEST_CASE("nobody gathers more than twenty; the oldest go") {
        Fixture fixture;
        auto ann = fixture.site.add_user("ann@example.org");
        auto first = fixture.make("totp", ann);
        std::string second;
        for (int i = 0; i < 20; ++i) {
            fixture.site.clock.advance(1ms);
            auto token = fixture.make("totp", ann);
            if (i == 0) second = token;
        }
        CHECK(!fixture.take("totp", first));
        CHECK(fixture.take("totp", second));
    }

    TEST_CASE("neither the token nor what it is for stands in the store") {
        Fixture fixture;
        auto token = fixture.make("totp");
        auto row = fixture.site.store->read([](store::Connection& db) {
            return db.one<std::string>("SELECT token_hash || hex(sealed) FROM challenge");
        });
        CHECK(row.value()->find(token) == std::string::npos);
        CHECK(row.value()->find("77686174206974") == std::string::npos);
    }
}
