#include "controller/passage/ended_bonds.hpp"

#include <doctest/doctest.h>

using namespace fairlead;

TEST_SUITE("controller/passage/ended_bonds") {

    TEST_CASE("access that ended after somebody was let in lets nobody through") {
        passage::EndedBonds ended;
        auto at = [](int seconds) { return from_ms(seconds * 1000); };
        ended.note("key_a", at(100));
        CHECK(ended.any({"usr_a", "key_a"}, at(99)));
        CHECK(ended.any({"key_a"}, at(100)));
        // Whoever was let in after it, such as with another role, is.
        CHECK_FALSE(ended.any({"key_a"}, at(101)));
        CHECK_FALSE(ended.any({"key_b"}, at(99)));
        CHECK_FALSE(ended.any({}, at(99)));
        ended.note("key_b", at(161));
        CHECK_FALSE(ended.any({"key_a"}, at(99)));
        CHECK(ended.any({"key_b"}, at(99)));
    }
}
