#include "agent/policy/policy_watch.hpp"

#include <doctest/doctest.h>

#include <poll.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

using namespace fairlead;

TEST_SUITE("policy::PolicyWatch") {
    TEST_CASE("a change, another file in its place, another mode and its end are told once each") {
        auto folder = std::filesystem::temp_directory_path() /
                      ("fairlead-watch-" + std::to_string(::getpid()));
        std::filesystem::create_directories(folder);
        auto file = folder / "policy.yaml";
        std::ofstream(file) << "version: 1\n";
        policy::PolicyWatch watch(file);
        auto told = [&] {
            bool changed = watch.changed();
            CHECK_FALSE(watch.changed());
            return changed;
        };
        CHECK_FALSE(told());
        std::ofstream(file) << "version: 1\n# changed\n";
        CHECK(told());
        std::ofstream(folder / "new") << "version: 1\n# changed\n";
        CHECK_FALSE(told());
        std::filesystem::rename(folder / "new", file);
        CHECK(told());
        std::filesystem::permissions(file, std::filesystem::perms(0666));
        CHECK(told());
        std::filesystem::remove_all(folder);
        CHECK(told());
    }

    TEST_CASE("it says when to look, and can be had far more than a user has listeners") {
        std::vector<std::unique_ptr<policy::PolicyWatch>> many;
        for (int i = 0; i < 300; ++i)
            many.push_back(std::make_unique<policy::PolicyWatch>("/nowhere/policy.yaml"));
        for (int round = 0; round < 2; ++round) {
            pollfd ready{many.back()->fd(), POLLIN, 0};
            REQUIRE(::poll(&ready, 1, 60'000) == 1);
            std::uint64_t times = 0;
            CHECK(::read(many.back()->fd(), &times, sizeof times) == sizeof times);
            CHECK(::read(many.back()->fd(), &times, sizeof times) < 0);
        }
        CHECK_FALSE(many.back()->changed());
    }
}
