#include "../world/world.hpp"
#include "agent/link/stream_keys.hpp"
#include "common/runtime/file.hpp"
#include "controller/tunnels/tunnel_keys.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;
using boost::json::array;
using boost::json::object;

namespace {

const auto env = EnvironmentId::trusted("env_01J0000000000000000000000A");

struct KeyWorld {
    tunnels::TunnelKeys& keys() { return world.core->tunnel_keys; }
    std::string purpose() { return keys().purpose(world.org, server, env, 8069).value(); }
    proto::TunnelKeys told() { return keys().told(world.org).value(); }
    array list() { return world.in_org("GET", "/tunnel-keys").json.at("data").as_array(); }
    Reply rotate(boost::json::value body = nullptr) {
        return world.in_org("POST", "/tunnel-keys/rotate", std::move(body));
    }
    Reply revoke(const std::string& id) {
        return world.in_org("POST", "/tunnel-keys/" + id + "/revoke");
    }
    std::string id(std::size_t place = 0) {
        return std::string(list().at(place).at("id").as_string());
    }
    std::string state(std::size_t place = 0) {
        return std::string(list().at(place).at("state").as_string());
    }
    /// What a server that was told of these would say to a stream.
    bool opens(const std::string& text, const proto::TunnelKeys& held) {
        link::StreamKeys agent(server.str());
        REQUIRE(agent.take(held));
        return agent.open(text, world.clock.now(), 1h).has_value();
    }

    World world;
    ServerId server = world.add_server();
};

} // namespace

TEST_SUITE("controller/tunnels/tunnel_keys") {

    TEST_CASE("an organization has a key of its own from its first use on, and another none of it"
    ) {
        KeyWorld own;
        CHECK(own.list().empty());
        auto text = own.purpose();
        CHECK(own.opens(text, own.told()));
        CHECK(own.told().keys.size() == 1);
        CHECK(own.world.audited().back() == "tunnel_key.create ok");
        CHECK(own.list().at(0).at("created_by").is_null());

        auto theirs = own.keys().told(own.world.other).value();
        CHECK(theirs.keys.at(0).id != own.told().keys.at(0).id);
        CHECK(theirs.keys.at(0).public_key != own.told().keys.at(0).public_key);
        CHECK(!own.opens(text, theirs));
        CHECK(!own.opens(
            own.keys().purpose(own.world.other, own.server, env, 8069).value(), own.told()
        ));
    }

    TEST_CASE("a rotated key signs no more and counts for its grace") {
        KeyWorld own;
        auto text = own.purpose();
        auto first = own.id();
        auto reply = own.rotate(object{{"grace_s", 3600}});
        CHECK(reply.status == 201);
        CHECK(reply.text("state") == "current");
        CHECK(own.world.audited().back() == "tunnel_key.rotate ok");
        CHECK(own.state(1) == "previous");
        CHECK(own.told().keys.at(1).ends_ms == to_ms(own.world.clock.now() + 1h));
        CHECK(own.opens(text, own.told()));
        // For a few seconds more, as servers may not have heard of the new one yet.
        auto signs = [&] { return proto::Capability::read(own.purpose()).value().key(); };
        CHECK(signs() == first);
        own.world.clock.advance(10s - 1ms);
        CHECK(signs() == first);
        own.world.clock.advance(1ms);
        CHECK(signs() == own.id(0));
        CHECK(
            own.world.one<std::int64_t>(
                "SELECT count(*) FROM tunnel_keys WHERE sealed_seed IS NOT NULL"
            ) == 1
        );

        own.world.clock.advance(1h - 10s);
        CHECK(own.told().keys.size() == 1); // counts no more, also before the tick
        auto changes = own.keys().changes();
        REQUIRE(own.keys().tick());
        CHECK(own.keys().changes() == changes + 1);
        CHECK(own.state(1) == "ended");
        CHECK(own.id(1) == first);
        CHECK(own.world.audited().back() == "tunnel_key.end ok");
        REQUIRE(own.keys().tick());
        CHECK(own.keys().changes() == changes + 1);
    }

    TEST_CASE("a key whose private half cannot be opened is replaced like any other") {
        KeyWorld own;
        own.purpose();
        auto damage = [&](store::UnitOfWork& unit) {
            return unit.db().run("UPDATE tunnel_keys SET sealed_seed = X'00'");
        };
        REQUIRE(own.world.core->store.write(damage));
        CHECK(own.rotate().status == 201);
        CHECK(own.opens(own.purpose(), own.told()));
    }

    TEST_CASE("the grace is 24 hours unless it is chosen, from nothing to a week") {
        KeyWorld own;
        own.purpose();
        REQUIRE(own.rotate().status == 201);
        CHECK(own.told().keys.at(1).ends_ms == to_ms(own.world.clock.now() + 24h));
        REQUIRE(own.rotate(object{{"grace_s", 0}}).status == 201);
        CHECK(own.state(1) == "ended");
        CHECK(own.rotate(object{{"grace_s", 7 * 24 * 3600}}).status == 201);
        CHECK(own.rotate(object{{"grace_s", 7 * 24 * 3600 + 1}}).status == 400);
        CHECK(own.rotate(object{{"grace_s", -1}}).status == 400);
    }

    TEST_CASE("four replaced keys count beside the newest, fifty are kept in all") {
        KeyWorld own;
        own.purpose();
        for (int i = 0; i < 4; ++i) {
            own.world.clock.advance(1s);
            own.rotate();
        }
        CHECK(own.told().keys.size() == 5);
        own.world.clock.advance(1s);
        own.rotate();
        CHECK(own.told().keys.size() == 5);
        CHECK(own.state(5) == "ended");
        for (int i = 0; i < 60; ++i) {
            own.world.clock.advance(1s);
            own.rotate();
        }
        CHECK(own.list().size() == 50);
        CHECK(own.world.one<std::int64_t>("SELECT count(*) FROM tunnel_keys") == 50);
    }

    TEST_CASE(
        "a revoked key counts no more; without a current one nothing is signed until there is one"
    ) {
        KeyWorld own;
        auto text = own.purpose();
        own.rotate(); // what was replaced goes on signing, but not once the new one is revoked
        CHECK(own.revoke(own.id(1)).status == 200);
        CHECK(own.revoke(own.id()).status == 200);
        CHECK(own.world.audited().back() == "tunnel_key.revoke ok");
        CHECK(own.state() == "revoked");
        CHECK(own.told().keys.empty());
        CHECK(!own.opens(text, own.told()));
        auto refused = own.keys().purpose(own.world.org, own.server, env, 8069);
        CHECK(refused.error().code() == "tunnel_key_missing");
        CHECK(!own.keys().purpose_at_once(own.world.org.org(), own.server, env, 8069));
        CHECK(own.revoke(own.id()).code() == "tunnel_key_over");
        REQUIRE(own.rotate().status == 201);
        CHECK(own.opens(own.purpose(), own.told()));
        CHECK(own.told().keys.size() == 1);
        CHECK(own.revoke("tkey_01J0000000000000000000000Z").status == 404);
    }

    TEST_CASE("the key of another organization is not there to see, rotate or revoke") {
        KeyWorld own;
        own.purpose();
        auto id = own.id();
        own.world.act_for(own.world.other);
        CHECK(own.list().empty());
        CHECK(own.revoke(id).status == 404);
        own.rotate();
        own.world.act_for(own.world.org);
        CHECK(own.list().size() == 1);
        CHECK(own.state() == "current");
    }

    TEST_CASE(
        "one that was unsealed lately signs without the store, until it changes or its time is over"
    ) {
        KeyWorld own;
        auto at_once = [&] {
            return own.keys().purpose_at_once(own.world.org.org(), own.server, env, 8069);
        };
        CHECK(!at_once());
        own.purpose();
        REQUIRE(at_once());
        CHECK(own.opens(*at_once(), own.told()));
        own.rotate(object{{"grace_s", 10}});
        CHECK(!at_once());
        own.purpose();
        CHECK(at_once());
        own.world.clock.advance(5min);
        CHECK(!at_once());
    }

    TEST_CASE("connected servers are woken after each change, those of others are not") {
        KeyWorld own;
        own.purpose();
        auto there = own.world.add_server("there");
        REQUIRE(own.world.core->store.write([&](store::UnitOfWork& unit) -> Result<> {
            FAIRLEAD_CHECK(unit.db().run("UPDATE server SET status = 'online' WHERE id = $1", there)
            );
            return {};
        }));
        own.world.links.woken.clear();
        own.rotate();
        CHECK(own.world.links.woken == std::vector{there});
        own.revoke(own.id());
        CHECK(own.world.links.woken.size() == 2);
        own.world.act_for(own.world.other);
        own.rotate();
        CHECK(own.world.links.woken.size() == 2);
    }

    TEST_CASE("who has the database and not the master key cannot sign [S-ENC-02] [S-TUN-08]") {
        KeyWorld own;
        own.purpose();
        auto id = TunnelKeyId::trusted(own.id());
        auto sealed = own.world.one<store::Blob>("SELECT sealed_seed FROM tunnel_keys").bytes;
        auto seed = own.world.keys.open(sealed, tunnels::seed_context(id)).value();
        auto file = own.world.folder.path() / "stolen.db";
        own.world.copy_to(file);
        auto stolen = read_file(file, 64 << 20).value();
        CHECK(stolen.find(own.list().at(0).at("public_key").as_string()) != std::string::npos);
        CHECK(stolen.find(seed.reveal()) == std::string::npos);
        CHECK(!crypto::Keystore::ephemeral().open(sealed, tunnels::seed_context(id)));
        // Nor does it open as another organization's, were it copied into its row.
        CHECK(!own.world.keys.open(
            sealed, tunnels::seed_context(TunnelKeyId::make(own.world.clock.now()))
        ));
    }

    TEST_CASE("keys are as they were after a restart, and gone with their organization") {
        KeyWorld own;
        own.purpose();
        auto before = own.told();
        own.world.restart();
        CHECK(own.told().keys.at(0).public_key == before.keys.at(0).public_key);
        CHECK(own.opens(own.purpose(), before));
        REQUIRE(own.world.core->store.write([&](store::UnitOfWork& unit) {
            return own.keys().erase(unit.db(), own.world.org);
        }));
        CHECK(!own.keys().purpose_at_once(own.world.org.org(), own.server, env, 8069));
        CHECK(own.list().empty());
    }
}
