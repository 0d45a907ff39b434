#include "agent/archive/reclaim.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::archive;
using namespace std::chrono_literals;

namespace {

FileEntry file(const std::string& path, std::uint64_t size, const std::string& pack) {
    return {path, size, crypto::Digest{}, pack};
}

} // namespace

TEST_SUITE("agent/archive/reclaim") {

    TEST_CASE(
        "packs that nothing names go, packs that are hardly used are rewritten, young ones stay"
    ) {
        Timestamp now(1000h);
        PackUse use;
        use.add(file("a", 100, "full"));
        use.add(file("b", 33, "third"));
        use.add(file("c", 32, "less"));
        use.add(file("d", 1, "less-but-young"));
        use.add(file("e", 0, "empty-file"));
        use.add(file("f", 1, "of-unknown-size"));
        auto plan = packs_to_reclaim(
            {{"full", now - 48h, 100},
             {"third", now - 48h, 99},
             {"less", now - 48h, 99},
             {"less-but-young", now - 23h, 99},
             {"unnamed", now - 24h, 99},
             {"unnamed-but-young", now - 24h + 1ms, 99},
             {"of-the-future", now + 48h, 99},
             {"empty-file", now - 48h, 99},
             {"of-unknown-size", now - 48h, 0}},
            use, 24h, now
        );
        CHECK(plan.remove == std::vector<std::string>{"unnamed"});
        CHECK(plan.rewrite == std::vector<std::string>{"less", "empty-file"});
    }

    TEST_CASE("a file that several backups share counts once, one in two packs in each") {
        PackUse use;
        for (int backup = 0; backup < 5; ++backup) use.add(file("a", 10, "p"));
        use.add(file("b", 5, "p"));
        use.add(file("a", 10, "q"));
        CHECK(use.bytes().at("p") == 15);
        CHECK(use.bytes().at("q") == 10);
    }
}
