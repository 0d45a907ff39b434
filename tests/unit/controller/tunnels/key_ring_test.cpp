#include "controller/tunnels/key_ring.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::tunnels;
using namespace std::chrono_literals;

namespace {

const Timestamp now = from_ms(1'790'000'000'000);

OrgId org(int number) {
    return OrgId::trusted("org_" + std::to_string(number));
}

std::shared_ptr<const Signer> signer() {
    return std::make_shared<const Signer>(Signer{
        TunnelKeyId::make(now), crypto::SigningKey::generate()});
}

} // namespace

TEST_SUITE("controller/tunnels/key_ring") {

    TEST_CASE("a key is at hand for a while and then wiped, whether somebody asks or not") {
        KeyRing ring(10, 5min);
        std::weak_ptr<const Signer> first, second;
        {
            auto one = signer(), two = signer();
            first = one;
            second = two;
            ring.keep(org(1), one, now, ring.epoch());
            ring.keep(org(2), two, now + 1min, ring.epoch());
        }
        CHECK(ring.find(org(1), now + 5min - 1ms));
        CHECK(!ring.find(org(1), now + 5min)); // using it does not prolong it
        CHECK(first.expired());
        ring.sweep(now + 6min - 1ms);
        CHECK(!second.expired());
        ring.sweep(now + 6min);
        CHECK(second.expired());
        CHECK(ring.size() == 0);
    }

    TEST_CASE("beyond its room the key that was used longest ago goes") {
        KeyRing ring(3, 5min);
        for (int i = 0; i < 3; ++i) ring.keep(org(i), signer(), now, ring.epoch());
        CHECK(ring.find(org(0), now));
        ring.keep(org(3), signer(), now, ring.epoch());
        CHECK(ring.size() == 3);
        CHECK(ring.find(org(0), now));
        CHECK(!ring.find(org(1), now));
        CHECK(ring.find(org(2), now));
        CHECK(ring.find(org(3), now));
        ring.keep(org(3), signer(), now, ring.epoch()); // once more takes no other's room
        CHECK(ring.size() == 3);
    }

    TEST_CASE("a key that was read before another was forgotten is not kept: it may be that one") {
        KeyRing ring(10, 5min);
        auto epoch = ring.epoch();
        ring.forget(org(1)); // the commit that ended it
        ring.keep(org(1), signer(), now, epoch);
        CHECK(!ring.find(org(1), now));
        ring.keep(org(1), signer(), now, ring.epoch());
        CHECK(ring.find(org(1), now));
        ring.forget(org(1));
        CHECK(!ring.find(org(1), now));
    }

    TEST_CASE("a key that was replaced signs a little longer, and what was read before is not kept"
    ) {
        KeyRing ring(10, 5min);
        auto old = signer();
        auto epoch = ring.epoch();
        ring.leave(org(1), old, now + 10s);
        ring.keep(org(1), signer(), now, epoch);
        CHECK(ring.find(org(1), now + 10s - 1ms) == old);
        CHECK(!ring.find(org(1), now + 10s));
    }
}
