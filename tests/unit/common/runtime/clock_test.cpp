#include "common/runtime/clock.hpp"

#include <doctest/doctest.h>

using namespace fairlead;

TEST_SUITE("common/runtime/clock") {

    TEST_CASE("a time written as RFC 3339 reads back as itself") {
        for (std::int64_t ms : {0LL, 1LL, 999LL, 951827696789LL, 1790000000000LL, 4102444799999LL})
            CHECK(from_rfc3339(to_rfc3339(from_ms(ms))).value() == from_ms(ms));
        CHECK(to_rfc3339(from_ms(951827696789)) == "2000-02-29T12:34:56.789Z");
    }

    TEST_CASE("offsets are taken off and short fractions are tenths") {
        CHECK(
            from_rfc3339("2026-01-01T01:30:00+01:30").value() ==
            from_rfc3339("2026-01-01T00:00:00Z").value()
        );
        CHECK(to_ms(from_rfc3339("1970-01-01T00:00:00.5Z").value()) == 500);
    }

    TEST_CASE("what is not a time is refused") {
        for (auto text :
             {"", "2026", "2026-02-30T00:00:00Z", "2026-01-01 00:00:00Z", "2026-01-01T24:00:00Z",
              "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+1:00",
              "-026-01-01T00:00:00Z"}) {
            CAPTURE(text);
            CHECK(!from_rfc3339(text));
        }
    }
}
