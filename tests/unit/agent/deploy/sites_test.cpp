#include "agent/deploy/sites.hpp"
#include "common/store/memory_db.hpp"

#include <doctest/doctest.h>

#include <fstream>

using namespace fairlead;
using namespace fairlead::deploy;
namespace fs = std::filesystem;

namespace {

/// A server's folders, without a server.
struct World {
    store::TemporaryFolder folder;
    Layout layout{
        folder.path() / "base", folder.path() / "run", folder.path() / "units",
        folder.path() / "etc" / "policy.yaml"};
    host::Systemd systemd;
    Sites sites{layout, systemd};

    static void write(const fs::path& file, std::string_view text) {
        fs::create_directories(file.parent_path());
        std::ofstream(file) << text;
    }

    /// Release `number` with these names; the current one where `current` says so.
    Place release(
        const std::string& slug, std::uint32_t number, std::vector<std::string> names,
        bool current = true
    ) {
        Place place(layout, slug);
        proto::EnvironmentSpec e;
        e.port = 8069;
        e.exposure = proto::Exposure::direct;
        e.domains = std::move(names);
        fs::create_directories(place.release(number));
        if (auto site = site_of(e)) write(place.release(number) / site_file, *site);
        if (current) fs::create_directory_symlink(place.release(number), place.current());
        return place;
    }
};

using Taken = std::vector<TakenName>;

} // namespace

TEST_SUITE("agent/deploy/sites") {

    TEST_CASE("a name is taken while the current release of another environment has it") {
        World world;
        auto shop = world.release("shop", 1, {"shop.test", "both.test"});
        world.release("old", 1, {"was.test"}, false);
        auto mine = world.release("mine", 1, {"mine.test"});
        CHECK(
            taken_names(world.layout, mine, {"mine.test", "both.test", "was.test"}) ==
            Taken{{"both.test", "shop"}}
        );
        CHECK(taken_names(world.layout, shop, {"shop.test", "both.test"}) == Taken{});
        fs::remove(shop.current());
        world.release("shop", 2, {"shop.test"});
        CHECK(taken_names(world.layout, mine, {"both.test"}) == Taken{});
    }

    TEST_CASE("a release with a name that another environment has is not served") {
        World world;
        world.release("shop", 1, {"shop.test"});
        auto mine = world.release("mine", 2, {"mine.test", "shop.test"}, false);
        auto served = world.sites.serve(mine, 2);
        REQUIRE_FALSE(served);
        CHECK(served.error().code() == "domain_taken");
        CHECK(served.error().message().starts_with("The environment shop serves shop.test still"));
    }

    TEST_CASE("what cannot be read names its environment, or its file") {
        World world;
        auto shop = world.release("shop", 1, {"shop.test"});
        auto mine = world.release("mine", 1, {"mine.test"});
        for (auto text : {"{", "{}", R"({"match":[{"host":"shop.test"}]})"}) {
            CAPTURE(text);
            World::write(shop.release(1) / site_file, text);
            for (const auto& error :
                 {taken_names(world.layout, mine, {}).error(), world.sites.serve(mine, 1).error(),
                  world.sites.serve(shop, 1).error()}) {
                CHECK(error.kind() == Errc::invalid);
                CHECK(error.message().starts_with(
                    "site.json of the environment shop cannot be read: "
                ));
            }
        }
        fs::remove(shop.release(1) / site_file);
        CHECK(acme_settings(world.layout) == AcmeSettings{});
        World::write(world.folder.path() / "etc" / "agent.yaml", "direct:\n  acme_ca: ftp://x\n");
        for (const auto& error :
             {acme_settings(world.layout).error(), world.sites.serve(mine, 1).error()}) {
            CHECK(error.kind() == Errc::invalid);
            CHECK(error.message().find("agent.yaml line 2: ") != std::string::npos);
        }
    }
}
