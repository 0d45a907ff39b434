#include "common/crypto/keystore.hpp"
#include "common/crypto/seal.hpp"
#include "common/runtime/file.hpp"
#include "common/store/memory_db.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <cstdlib>

using namespace fairlead;
using namespace fairlead::crypto;

TEST_SUITE("common/crypto/keystore") {

    TEST_CASE("a value opens in its own place only") {
        auto keys = Keystore::ephemeral();
        auto sealed = keys.seal(Secret("hunter2"), "git_credential/gcr_1");
        CHECK(sealed.find("hunter2") == std::string::npos);
        CHECK(keys.open(sealed, "git_credential/gcr_1").value().equals("hunter2"));
        CHECK(keys.open(sealed, "git_credential/gcr_2").error().kind() == Errc::invalid);
        CHECK(
            Keystore::ephemeral().open(sealed, "git_credential/gcr_1").error().kind() ==
            Errc::not_found
        );
        for (std::size_t size = 0; size < sealed.size(); ++size)
            CHECK(!keys.open(sealed.substr(0, size), "git_credential/gcr_1"));
        for (std::size_t i = 0; i < sealed.size() * 8; ++i) {
            auto altered = sealed;
            altered[i / 8] = static_cast<char>(altered[i / 8] ^ (1 << (i % 8)));
            CHECK(!keys.open(altered, "git_credential/gcr_1"));
        }
    }

    TEST_CASE("the master key's file is private, made once, and read back") {
        store::TemporaryFolder folder;
        auto file = folder.path() / "master.key";
        auto made = Keystore::create(file).value();
        struct stat facts {};
        REQUIRE(::stat(file.c_str(), &facts) == 0);
        CHECK((facts.st_mode & 0777) == 0400);
        CHECK(Keystore::create(file).error().kind() == Errc::conflict);
        auto sealed = made.seal(Secret("x"), "place");
        CHECK(Keystore::load(file).value().open(sealed, "place"));

        REQUIRE(::chmod(file.c_str(), 0440) == 0);
        CHECK(
            Keystore::load(file).error().message() ==
            file.string() + " can be read by others. Run: chmod 0400 " + file.string()
        );
        CHECK(Keystore::load(folder.path() / "absent").error().kind() == Errc::not_found);
    }

    TEST_CASE("a broken master key file is refused with the line") {
        store::TemporaryFolder folder;
        auto file = folder.path() / "master.key";
        auto good = "0123456789abcdef AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
        for (auto text :
             {"", "# nothing\n", "0123456789abcdef\n", "0123456789abcdef AAAA\n",
              "0123 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"}) {
            CAPTURE(text);
            REQUIRE(write_file(file, text, 0400));
            CHECK(Keystore::load(file).error().kind() == Errc::invalid);
        }
        REQUIRE(write_file(file, std::string(good) + "rubbish\n", 0400));
        CHECK(Keystore::load(file).error().message().find("line 2") != std::string::npos);
        REQUIRE(write_file(file, std::string(good) + good, 0400));
        CHECK(Keystore::load(file).error().message().find("twice") != std::string::npos);
        REQUIRE(write_file(file, good, 0400));
        CHECK(Keystore::load(file));
    }

    TEST_CASE("systemd's credential goes before the file") {
        store::TemporaryFolder folder;
        auto credential = Keystore::create(folder.path() / "master.key").value();
        std::filesystem::create_directory(folder.path() / "data");
        auto other = Keystore::create(folder.path() / "data" / "key").value();
        ::setenv("CREDENTIALS_DIRECTORY", folder.path().c_str(), 1);
        CHECK(
            Keystore::load(folder.path() / "data" / "key").value().current() == credential.current()
        );
        // What an access list looks like where there is none; others never.
        REQUIRE(::chmod((folder.path() / "master.key").c_str(), 0440) == 0);
        CHECK(Keystore::load(folder.path() / "data" / "key"));
        REQUIRE(::chmod((folder.path() / "master.key").c_str(), 0444) == 0);
        CHECK(Keystore::load(folder.path() / "data" / "key").error().kind() == Errc::forbidden);
        ::setenv("CREDENTIALS_DIRECTORY", (folder.path() / "data").c_str(), 1);
        CHECK(Keystore::load(folder.path() / "data" / "key").value().current() == other.current());
        ::unsetenv("CREDENTIALS_DIRECTORY");
    }

    TEST_CASE("a new master key takes over value by value, then the old one can go") {
        store::TemporaryFolder folder;
        auto file = folder.path() / "master.key";
        auto first = Keystore::create(file).value();
        auto sealed = first.seal(Secret("x"), "place");

        auto both = Keystore::add_key(file).value();
        CHECK(both.current() != first.current());
        CHECK(Keystore::load(file).value().current() == both.current());
        CHECK(both.open(sealed, "place").value().equals("x"));
        CHECK(Keystore::key_of(sealed).value() == first.current());

        auto renewed = both.rekey(sealed, "place").value();
        CHECK(Keystore::key_of(renewed).value() == both.current());
        CHECK(!both.rekey(sealed, "elsewhere"));

        auto last = Keystore::drop_old_keys(file).value();
        CHECK(last.open(renewed, "place").value().equals("x"));
        CHECK(last.open(sealed, "place").error().kind() == Errc::not_found);
    }
}
