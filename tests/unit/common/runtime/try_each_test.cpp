#include "common/runtime/try_each.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace fairlead;

TEST_SUITE("try_each") {
    TEST_CASE("a failure of one is told, and takes nothing from the others") {
        std::vector<int> seen;
        auto done = try_each(std::vector{1, 2, 3, 4}, [&](int item) -> Result<> {
            seen.push_back(item);
            if (item % 2 == 0) return fail(Errc::internal, item == 2 ? "two" : "four");
            return {};
        });
        CHECK(seen == std::vector{1, 2, 3, 4});
        REQUIRE(!done);
        CHECK(done.error().message() == "two");
        CHECK(try_each(std::vector<int>(), [](int) -> Result<> {
            return fail(Errc::internal, "never");
        }));
    }
}
