#include "agent/backup/verdicts.hpp"
#include "common/store/memory_db.hpp"

#include <doctest/doctest.h>

#include <fstream>

using namespace fairlead;
using namespace fairlead::backup;
namespace fs = std::filesystem;

namespace {

const std::string older = "bak_01J00000000000000000000001";
const std::string newest = "bak_01J00000000000000000000002";

struct Scratch {
    Scratch() {
        layout.base = folder.path();
        fs::create_directories(place().root);
    }
    BackupPlace place() const { return BackupPlace(deploy::Place(layout, "shop")); }
    store::TemporaryFolder folder;
    deploy::Layout layout;
};

Error with(const char* code) {
    return Error(Errc::conflict, "x").with_code(code);
}

using Ids = std::vector<std::string>;

} // namespace

TEST_SUITE("agent/backup/verdicts") {

    TEST_CASE("the last word on a backup counts, and nothing said counts as good") {
        Scratch scratch;
        auto place = scratch.place();
        CHECK(bad_backups(place).value() == Ids{});
        REQUIRE(note_verdict(place, newest, Verdict::bad));
        REQUIRE(note_verdict(place, newest, Verdict::bad));
        REQUIRE(note_verdict(place, older, Verdict::good));
        CHECK(bad_backups(place).value() == Ids{newest});
        REQUIRE(note_verdict(place, newest, Verdict::good));
        CHECK(bad_backups(place).value() == Ids{});
        // An id is a name of a file here: whatever else is none of ours.
        REQUIRE(note_verdict(place, "../identity", Verdict::bad));
        CHECK_FALSE(fs::exists(place.root / "identity"));
    }

    TEST_CASE("after a bad word, the bucket's files are not relied on") {
        Scratch scratch;
        auto place = scratch.place();
        fs::create_directories(place.state());
        std::ofstream(place.state() / "packs.json") << "{}";
        REQUIRE(note_verdict(place, newest, Verdict::good));
        CHECK(fs::exists(place.state() / "packs.json"));
        REQUIRE(note_verdict(place, newest, Verdict::bad));
        CHECK_FALSE(fs::exists(place.state() / "packs.json"));
    }

    TEST_CASE("only what says something of the backup is held against it") {
        for (const char* code : {"backup_damaged", "drill_failed", "restore_failed"})
            CHECK(blames_backup(with(code)));
        for (const char* code :
             {"cancelled", "preflight_failed", "worker_failed", "storage_failed"})
            CHECK_FALSE(blames_backup(with(code)));
        CHECK(damaged(with("backup_damaged")));
        CHECK_FALSE(damaged(with("restore_failed")));
    }
}
