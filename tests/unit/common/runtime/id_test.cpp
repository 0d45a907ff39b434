#include "common/runtime/id.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace fairlead;

TEST_SUITE("common/runtime/id") {

    TEST_CASE("ids made in one millisecond differ and sort in the order they were made") {
        std::string last;
        for (int i = 0; i < 10000; ++i) {
            auto next = new_ulid(from_ms(1790000000000));
            CHECK(is_ulid(next));
            CHECK(next > last);
            last = next;
        }
    }

    TEST_CASE("the time is in the first ten characters") {
        // A far-off time, so that this test does not depend on the ones before it.
        CHECK(new_ulid(from_ms(0x7fffffffffff)).substr(0, 10) == "3ZZZZZZZZZ");
    }

    TEST_CASE("an id parses only with its own prefix and a whole ULID") {
        auto id = OrgId::make(from_ms(5));
        CHECK(OrgId::parse(id.str()).value() == id);
        for (auto text :
             {std::string(), std::string("org_"), "usr_" + id.str().substr(4), id.str() + "0",
              "org_" + std::string(26, 'U'), "org_8" + std::string(25, '0')}) {
            CAPTURE(text);
            CHECK(OrgId::parse(text).error().kind() == Errc::not_found);
        }
    }
}
