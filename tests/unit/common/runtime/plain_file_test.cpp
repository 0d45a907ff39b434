#include "common/runtime/file.hpp"
#include "common/runtime/plain_file.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <cstdlib>

using namespace fairlead;

TEST_SUITE("plain_file") {
    TEST_CASE("a regular file is read, and nothing else is waited for or followed") {
        char name[] = "/tmp/fairlead-plain-XXXXXX";
        std::filesystem::path folder = ::mkdtemp(name);
        auto file = folder / "file";
        REQUIRE(write_file(file, "words", 0600));
        CHECK(read_plain_file(file, 5).value() == "words");
        CHECK(read_plain_file(file, 4).error().kind() == Errc::invalid);
        CHECK(read_plain_file(folder / "none", 9).error().kind() == Errc::not_found);
        std::filesystem::create_symlink(file, folder / "link");
        CHECK(read_plain_file(folder / "link", 9).error().kind() == Errc::invalid);
        REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
        CHECK(read_plain_file(folder / "pipe", 9).error().kind() == Errc::invalid);
        CHECK(read_plain_file(folder, 9).error().kind() == Errc::invalid);
        std::filesystem::remove_all(folder);
    }
}
