#include "controller/domains/rota.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::domains;

TEST_SUITE("controller/domains/rota") {

    TEST_CASE("organizations take turns, one look at a time") {
        std::vector<Awaiting> waiting;
        for (int i = 0; i < 3; ++i)
            waiting.push_back({OrgId::make(from_ms(1000 + i)), from_ms(1000)});
        auto id = [&](int i) { return waiting[std::size_t(i)].org_id; };
        Rota rota;
        CHECK(rota.take(waiting) == id(0));
        CHECK(rota.take(waiting) == id(1));
        rota.give_back(id(0));
        // The first still waits for longest, and has had a turn.
        CHECK(rota.take(waiting) == id(2));
        CHECK(rota.take(waiting) == id(0));
        CHECK_FALSE(rota.take(waiting));
        rota.give_back(id(2));
        CHECK(rota.take(waiting) == id(2));
    }

    TEST_CASE("whoever waits no more is forgotten") {
        Rota rota;
        for (int i = 0; i < 1000; ++i) {
            auto org = OrgId::make(from_ms(1000 + i));
            REQUIRE(rota.take({{org, from_ms(1)}}) == org);
            rota.give_back(org);
        }
        CHECK(rota.known() == 1);
    }
}
