#include "common/store/memory_db.hpp"
#include "controller/domains/schema.hpp"
#include "controller/edge/load.hpp"
#include "controller/environments/schema.hpp"
#include "proto/codec.hpp"
#include "proto/operations.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::edge;

namespace {

struct World {
    World()
        : memory(std::vector<store::Migration>{
              {1, "environments", environments::first_tables},
              {2, "backups", environments::backup_columns},
              {3, "exposure", environments::exposure_column},
              {4, "domains", domains::first_tables}}) {}

    void
    domain(const std::string& org, const std::string& name, const std::string& state = "verified") {
        auto id = "dom_" + std::to_string(1'000'000 + ++count);
        REQUIRE(memory.db().run(
            "INSERT INTO domains (id, org_id, name, tree, state, token, created_ms, created_by, "
            "created_by_email) VALUES ($1, $2, $3, $3, $4, $1, 0, '', '')",
            id, org, name, state
        ));
    }
    std::string environment(
        const std::string& org, const std::string& names, const std::string& exposure = "tunnel",
        int workers = 0
    ) {
        auto id = "env_" + std::to_string(1'000'000 + ++count);
        REQUIRE(memory.db().run(
            "INSERT INTO environment (id, org_id, project_id, server_id, name, slug, type, port, "
            "gevent_port, modules, requirements, domains, workers, system_site_packages, "
            "keep_releases, created_ms, exposure) VALUES ($1, $2, 'prj', 'srv', 'n', $1, "
            "'production', 8069, 8072, '[]', '[]', $3, $4, 1, 5, 0, $5)",
            id, org, names, workers, exposure
        ));
        return id;
    }
    Table load() { return load_table(memory.db()).value(); }

    store::MemoryDb memory;
    int count = 0;
};

std::string leads_to(const Table& table, const std::string& host) {
    auto route = table.find(host);
    return route ? route->environment.str() : "";
}

} // namespace

TEST_SUITE("controller/edge/load") {

    TEST_CASE("a name is routed when its environment is exposed by the tunnel and its organization "
              "has proved it") {
        World world;
        world.domain("org_a", "shop.example");
        world.domain("org_a", "*.example.org");
        world.domain("org_a", "unproved.example", "pending");
        world.domain("org_a", "lost.example", "failed");
        world.domain("org_b", "other.example");
        auto shop = world.environment(
            "org_a",
            R"(["Shop.Example","a.example.org","a.b.example.org","example.org","unproved.example","lost.example","other.example","unclaimed.example","*.example.org"])"
        );
        world.environment("org_a", R"(["port.example.org"])", "port");
        world.environment("org_a", R"(["direct.example.org"])", "direct");
        world.environment("org_c", R"(["shop.example"])");
        auto table = world.load();
        CHECK(table.size() == 3);
        CHECK(table.owners().size() == 3);
        CHECK(table.owners().at("shop.example").str() == "org_a");
        for (auto host : {"shop.example", "a.example.org", "a.b.example.org"}) {
            CAPTURE(host);
            CHECK(leads_to(table, host) == shop);
        }
        auto route = table.find("shop.example");
        CHECK(route->org.str() == "org_a");
        CHECK(route->server.str() == "srv");
        CHECK(route->port == 8069);
        CHECK(route->gevent_port == 0);
    }

    TEST_CASE("another organization's environment does not get a name by listing it [S-DOM-03]") {
        World world;
        world.domain("org_a", "shop.example");
        world.environment("org_b", R"(["shop.example"])");
        CHECK(world.load().size() == 0);
        auto own = world.environment("org_a", R"(["shop.example"])");
        CHECK(leads_to(world.load(), "shop.example") == own);
    }

    TEST_CASE("a name that two environments of an organization list is the older one's") {
        World world;
        world.domain("org_a", "shop.example");
        auto older = world.environment("org_a", R"(["shop.example"])");
        world.environment("org_a", R"(["shop.example"])");
        CHECK(leads_to(world.load(), "shop.example") == older);
    }

    TEST_CASE("the ports are those of the live release") {
        World world;
        world.domain("org_a", "shop.example");
        auto id = world.environment("org_a", R"(["shop.example"])", "tunnel", 2);
        CHECK(world.load().find("shop.example")->gevent_port == 8072);
        proto::EnvironmentSpec live;
        live.port = 9069;
        live.gevent_port = 9072;
        live.resources.workers = 0;
        REQUIRE(world.memory.db().run(
            "INSERT INTO environment_release (id, org_id, environment_id, number, state, spec, "
            "created_ms) VALUES ('rel', 'org_a', $1, 1, 'live', $2, 0)",
            id, proto::write_text(live)
        ));
        REQUIRE(world.memory.db().run("UPDATE environment SET current_release = 'rel'"));
        auto route = world.load().find("shop.example");
        CHECK(route->port == 9069);
        CHECK(route->gevent_port == 0);
    }

    TEST_CASE("more rows than a page are all read") {
        World world;
        world.domain("org_a", "*.example.org");
        for (int i = 0; i < 1001; ++i)
            world.domain("org_a", "x" + std::to_string(i) + ".example.net");
        for (int i = 0; i < 1001; ++i)
            world.environment(
                "org_a", "[\"y" + std::to_string(i) + ".example.org\",\"x" + std::to_string(i) +
                             ".example.net\"]"
            );
        CHECK(world.load().size() == 2002);
    }
}
