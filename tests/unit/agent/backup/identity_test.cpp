#include "agent/backup/identity.hpp"
#include "agent/deploy/records.hpp"
#include "common/crypto/random.hpp"
#include "common/runtime/file.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

using namespace fairlead;
using namespace fairlead::backup;
namespace fs = std::filesystem;

namespace {

struct Folder {
    Folder() {
        crypto::start();
        char name[] = "/tmp/fairlead-identity-XXXXXX";
        layout.base = ::mkdtemp(name);
        place.emplace(deploy::Place(layout, "shop"));
        fs::create_directories(place->root);
    }
    ~Folder() { fs::remove_all(layout.base); }

    deploy::Layout layout;
    std::optional<BackupPlace> place;
};

} // namespace

TEST_SUITE("agent/backup/identity") {

    TEST_CASE("none is there until one is made") {
        Folder folder;
        auto none = load_identity(*folder.place);
        REQUIRE(none);
        CHECK(!*none);
    }

    TEST_CASE("one that age-keygen wrote is taken, comments and all") {
        Folder folder;
        auto identity = crypto::Identity::generate();
        auto secret = identity.print();
        REQUIRE(write_file(
            folder.place->identity(),
            "# created\n# public key\n" + std::string(secret.reveal()) + "\n", 0600
        ));
        auto loaded = load_identity(*folder.place);
        REQUIRE(loaded);
        REQUIRE(*loaded);
        CHECK((*loaded)->recipient() == identity.recipient());
    }

    TEST_CASE("one that others can read is not used, and the cure is told") {
        Folder folder;
        auto secret = crypto::Identity::generate().print();
        REQUIRE(write_file(folder.place->identity(), secret.reveal(), 0600));
        REQUIRE(::chmod(folder.place->identity().c_str(), 0640) == 0);
        auto loaded = load_identity(*folder.place);
        REQUIRE(!loaded);
        CHECK(loaded.error().code() == "identity_exposed");
        CHECK(loaded.error().message().find("chmod 600") != std::string::npos);
    }

    TEST_CASE("the key of a deleted environment is still found, for its backups") {
        Folder folder;
        const std::string id = "env_01JD0000000000000000000000";
        deploy::Place at(folder.layout, "shop");
        auto identity = crypto::Identity::generate();
        REQUIRE(write_file(folder.place->identity(), identity.print().reveal(), 0600));
        REQUIRE(deploy::save_environment(at, {id, "shop", "Shop", 1, 8069}));
        auto kept = keep_identity(folder.layout, at, id);
        REQUIRE(kept);
        REQUIRE(*kept);
        fs::remove_all(at.root);
        // Again, as after a crash.
        auto again = keep_identity(folder.layout, at, id);
        REQUIRE(again);
        CHECK(!*again);
        auto found = identity_of(folder.layout, at, id);
        REQUIRE(found);
        REQUIRE(*found);
        CHECK((*found)->recipient() == identity.recipient());
        // Another environment that has the name now is another one.
        fs::create_directories(at.root);
        REQUIRE(deploy::save_environment(
            at, {"env_01JD0000000000000000000001", "shop", "Shop", 1, 8069}
        ));
        auto theirs = identity_of(folder.layout, at, "env_01JD0000000000000000000001");
        REQUIRE(theirs);
        CHECK(!*theirs);
    }

    TEST_CASE("a damaged one is told as such, without its text, and never replaced") {
        Folder folder;
        REQUIRE(write_file(folder.place->identity(), "AGE-SECRET-KEY-1SPOILT\n", 0600));
        auto loaded = load_identity(*folder.place);
        REQUIRE(!loaded);
        CHECK(loaded.error().code() == "identity_damaged");
        CHECK(loaded.error().message().find("SPOILT") == std::string::npos);
    }
}
