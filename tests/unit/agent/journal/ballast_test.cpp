#include "agent/journal/ballast.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <fstream>

using namespace fairlead::journal;
namespace fs = std::filesystem;

TEST_SUITE("agent/journal/ballast") {

    TEST_CASE("space is held back once, given back once, and held back again when it is asked for"
    ) {
        auto file =
            fs::temp_directory_path() / ("ballast-test-" + std::to_string(::getpid()) + ".ballast");
        {
            Ballast ballast(file);
            CHECK(fs::file_size(file) == Ballast::bytes);
            CHECK(ballast.drop());
            CHECK_FALSE(fs::exists(file));
            CHECK_FALSE(ballast.drop());
            ballast.hold();
            CHECK(fs::file_size(file) == Ballast::bytes);
            CHECK(ballast.drop());
        }
        std::ofstream(file) << "what a power cut left";
        Ballast again(file);
        CHECK(fs::file_size(file) == Ballast::bytes);
        CHECK(again.drop());
    }

    TEST_CASE("a folder that cannot be written holds none, and that is no failure") {
        Ballast ballast("/proc/none/x.ballast");
        CHECK_FALSE(ballast.drop());
    }
}
