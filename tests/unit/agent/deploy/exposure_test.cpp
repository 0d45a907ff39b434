#include "agent/deploy/exposure.hpp"
#include "common/runtime/file.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <filesystem>

using namespace fairlead;
using namespace fairlead::deploy;
namespace fs = std::filesystem;

namespace {

/// An environment with releases 1 and 2 and `current` leading to the first.
struct Fixture {
    Layout layout;
    std::optional<Place> place;
    const Exposure& door = local_port();

    Fixture() {
        auto root = fs::temp_directory_path() / ("exposure-test-" + std::to_string(::getpid()));
        layout.base = root;
        layout.units = root / "units";
        place.emplace(layout, "shop");
        for (auto number : {1U, 2U}) {
            fs::create_directories(place->release(number));
            write(number, 8069);
        }
        fs::create_directory_symlink("releases/1", place->current());
    }
    ~Fixture() { fs::remove_all(layout.base); }
    void write(std::uint32_t number, std::uint16_t port) {
        proto::EnvironmentSpec e;
        e.port = port;
        for (const auto& [name, text] : door.files(e))
            REQUIRE(write_file(place->release(number) / name, text, 0644));
    }
};

} // namespace

TEST_SUITE("agent/deploy/exposure") {

    TEST_CASE_FIXTURE(Fixture, "a local port stays open while releases with the same port change") {
        CHECK(door.port(*place).value() == 8069);
        CHECK(door.stays_open(*place, 2).value());
        write(2, 8070);
        CHECK_FALSE(door.stays_open(*place, 2).value());
        CHECK_FALSE(door.stays_open(*place, 3).has_value());
        fs::remove(place->current());
        CHECK_FALSE(door.stays_open(*place, 2).value());
        CHECK_FALSE(door.port(*place).has_value());
    }

    TEST_CASE_FIXTURE(Fixture, "its unit follows the link, and is as it was when detached") {
        auto link = place->drop_in(layout, place->socket()) / "50-release.conf";
        for (int twice = 0; twice < 2; ++twice) REQUIRE(door.attach(layout, *place));
        CHECK(fs::read_symlink(link) == place->current() / "socket.conf");
        CHECK(
            read_file(link, 1000).value() ==
            "[Socket]\nListenStream=\nListenStream=127.0.0.1:8069\n"
        );
        for (int twice = 0; twice < 2; ++twice) REQUIRE(door.detach(layout, *place));
        CHECK_FALSE(fs::exists(link.parent_path()));
        CHECK(door.units(*place) == std::vector{place->socket()});
    }
}
