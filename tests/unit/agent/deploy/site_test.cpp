#include "agent/deploy/site.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <fstream>

using namespace fairlead;
using namespace fairlead::deploy;
namespace fs = std::filesystem;

namespace {

class Folder {
public:
    Folder() : path(fs::temp_directory_path() / ("site-test-" + std::to_string(::getpid()))) {
        fs::create_directories(path);
    }
    ~Folder() { fs::remove_all(path); }
    fs::path path;
};

} // namespace

TEST_SUITE("agent/deploy/site") {

    TEST_CASE("garbage is what no release and no running operation names") {
        Folder folder;
        FakeClock clock;
        Layout layout{folder.path, folder.path / "run", folder.path / "units"};
        Site site(layout, clock);
        auto make = [&](const std::string& commit) {
            fs::create_directories(layout.tree("odoo-1", commit));
            std::ofstream(layout.tree_manifest("odoo-1", commit)) << "x";
        };
        for (const auto* commit : {"used", "pinned", "old"}) make(commit);
        fs::create_directories(layout.trees() / "odoo-1/.partial-lost");
        fs::create_directories(layout.venv("v1"));
        fs::create_directories(layout.venv("v2"));
        std::ofstream(layout.venv_packages("v2")) << "x";

        Place place(layout, "shop");
        fs::create_directories(place.release(1));
        ReleaseRecord release;
        release.info.number = 1;
        release.trees = {{"odoo", "odoo-1", "used", ""}};
        release.venv = "v1";
        REQUIRE(save_release(place, release));

        {
            Pins pins(site);
            pins.add(layout.tree("odoo-1", "pinned"));
            CHECK(site.collect_garbage() == 3U);
            CHECK(fs::exists(layout.tree("odoo-1", "used")));
            CHECK(fs::exists(layout.tree_manifest("odoo-1", "pinned")));
            CHECK_FALSE(fs::exists(layout.tree("odoo-1", "old")));
            CHECK_FALSE(fs::exists(layout.tree_manifest("odoo-1", "old")));
            CHECK_FALSE(fs::exists(layout.trees() / "odoo-1/.partial-lost"));
            CHECK_FALSE(fs::exists(layout.venv_packages("v2")));
        }
        CHECK(site.collect_garbage() == 1U);
        CHECK_FALSE(fs::exists(layout.tree("odoo-1", "pinned")));

        // A record that cannot be read proves nothing: everything stays.
        make("unclear");
        std::ofstream(place.release(1) / "release.json") << "{";
        CHECK_FALSE(site.collect_garbage());
        CHECK(fs::exists(layout.tree("odoo-1", "unclear")));
        CHECK(fs::exists(layout.tree("odoo-1", "used")));
    }

    TEST_CASE("records come back as they were written") {
        Folder folder;
        Layout layout{folder.path, folder.path / "run", folder.path / "units"};
        Place place(layout, "shop");
        fs::create_directories(place.root);
        CHECK_FALSE(load_environment(place)->has_value());
        REQUIRE(save_environment(place, {"env_1", "shop", "Shop", 7, 8069}));
        auto record = load_environment(place);
        REQUIRE(record);
        REQUIRE(*record);
        CHECK((*record)->live == 7);
        fs::create_directories(place.release(10));
        fs::create_directories(place.release(9));
        fs::create_directories(place.releases() / "x9");
        CHECK(release_numbers(place) == std::vector<std::uint32_t>{9, 10});
        auto missing = load_release(place, 3);
        REQUIRE_FALSE(missing);
        CHECK(missing.error().code() == "release_missing");
    }
}
