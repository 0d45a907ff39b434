#include "common/runtime/file.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <cstdlib>

using namespace fairlead;

TEST_SUITE("common/runtime/file") {

    TEST_CASE("a file is written whole with its mode, replaced, and read back within a limit") {
        char name[] = "/tmp/fairlead-file-XXXXXX";
        std::filesystem::path folder = ::mkdtemp(name);
        auto path = folder / "key";
        REQUIRE(write_file(path, "one", 0400));
        REQUIRE(write_file(path, "second", 0600));
        CHECK(read_file(path, 100).value() == "second");
        CHECK(read_file(path, 5).error().kind() == Errc::invalid);
        struct stat info {};
        CHECK(::stat(path.c_str(), &info) == 0);
        CHECK((info.st_mode & 07777) == 0600);
        CHECK(std::distance(std::filesystem::directory_iterator(folder), {}) == 1);
        CHECK(read_file(folder / "absent", 5).error().kind() == Errc::not_found);
        CHECK(!write_file(folder / "absent" / "file", "x", 0600));
        std::filesystem::remove_all(folder);
    }
}
