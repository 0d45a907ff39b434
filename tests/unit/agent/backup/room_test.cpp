#include "agent/backup/room.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::backup;

namespace {

constexpr std::uint64_t gib = 1ULL << 30;

Disk disk(const char* path, std::uint64_t device, std::uint64_t free) {
    return {path, device, free};
}

Disks disks(std::uint64_t files, std::uint64_t postgresql) {
    return {disk("/var/lib/fairlead", 1, files), disk("/srv/pg", 2, postgresql)};
}

} // namespace

TEST_SUITE("agent/backup/room") {

    TEST_CASE("database and files of one disk must fit together") {
        auto room = Room{4 * gib, 4 * gib};
        Disks one{disk("/var/lib/fairlead", 1, 6 * gib), disk("/srv/pg", 1, 6 * gib)};
        CHECK(lacking(one, room)->disk.path == "/var/lib/fairlead");
        CHECK(lacking(one, room)->need > 8 * gib);
        one.files.free_bytes = one.postgresql.free_bytes = 10 * gib;
        CHECK_FALSE(lacking(one, room));
    }

    TEST_CASE("a disk of PostgreSQL's own must hold the database, however much is free elsewhere") {
        auto room = Room{4 * gib, 4 * gib};
        CHECK(lacking(disks(90 * gib, 3 * gib), room)->disk.path == "/srv/pg");
        CHECK(lacking(disks(3 * gib, 90 * gib), room)->disk.path == "/var/lib/fairlead");
        // Each its own part alone, although the disks are of one size.
        CHECK_FALSE(lacking(disks(5 * gib, 5 * gib), room));
        // Files alone do not touch it.
        CHECK_FALSE(lacking(disks(5 * gib, 0), Room{0, 4 * gib}));
    }

    TEST_CASE("what is lacking is told with the disk that lacks it") {
        auto refused = need_room(disks(90 * gib, 3 * gib), Room{4 * gib, 0}, "a drill needs");
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code() == "preflight_failed");
        auto text = refused.error().message();
        CHECK(text.starts_with("Disk space: 3072 MiB are free on the disk of /srv/pg and a drill "
                               "needs 4761 MiB. Free at least 1689 MiB."));
    }
}
