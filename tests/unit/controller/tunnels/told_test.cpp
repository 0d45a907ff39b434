#include "../world/agent.hpp"
#include "controller/audit/notary.hpp"
#include "controller/audit/witnesses.hpp"
#include "controller/gateway/fleet_core.hpp"
#include "proto/codec.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::test;

namespace {

/// A link as the gateway has it, without one.
struct Link {
    explicit Link(std::uint32_t protocol) : server(world.add_server()), agent(world, server) {
        auto facts = crypto::sha256(world.last_key.public_der());
        net::PeerCertificate certificate;
        certificate.common_name = server.str();
        certificate.uris = {"fairlead:org:" + world.org.org().str()};
        certificate.key_hash = facts.hex();
        certificate.fingerprint = facts.hex();
        state = core.identify(certificate).value();
        auto hello = agent.hello();
        hello.protocol = protocol;
        welcome = core.hello(*state, proto::encode(proto::FromAgent(hello))).value().messages;
    }

    static std::vector<proto::TunnelKeys> keys_in(const std::vector<std::string>& messages) {
        std::vector<proto::TunnelKeys> found;
        for (const auto& text : messages) {
            auto message = proto::decode_to_agent(text).value();
            if (const auto* keys = std::get_if<proto::TunnelKeys>(&message)) found.push_back(*keys);
        }
        return found;
    }
    /// What came since the last time, when the hub is woken.
    std::vector<proto::TunnelKeys> due() {
        REQUIRE(core.due(*state));
        return keys_in(std::exchange(world.links.sent[std::string(state->id())], {}));
    }

    World world;
    audit::Notary notary{world.core->store, world.keys, "fairlead.example"};
    audit::Witnesses witnesses{world.core->store, world.log, notary, world.clock};
    gateway::FleetCore core{
        {world.core->agents, witnesses, world.core->tunnel_keys, world.links, world.packages}};
    ServerId server;
    Agent agent;
    std::unique_ptr<gateway::LinkState> state;
    std::vector<std::string> welcome;
};

} // namespace

TEST_SUITE("controller/tunnels/told") {

    TEST_CASE(
        "a server is told its organization's keys behind the welcome, and after each change once"
    ) {
        Link link(proto::protocol);
        auto first = Link::keys_in(link.welcome);
        REQUIRE(first.size() == 1);
        REQUIRE(first[0].keys.size() == 1);
        CHECK(std::holds_alternative<proto::Welcome>(
            proto::decode_to_agent(link.welcome.front()).value()
        ));
        link.due();
        CHECK(link.due().empty());

        REQUIRE(link.world.in_org("POST", "/tunnel-keys/rotate").status == 201);
        CHECK(link.world.links.woken.back() == link.server);
        auto second = link.due();
        REQUIRE(second.size() == 1);
        REQUIRE(second[0].keys.size() == 2);
        CHECK(second[0].keys[1].id == first[0].keys[0].id);
        CHECK(link.due().empty());

        auto path = "/tunnel-keys/" + first[0].keys[0].id + "/revoke";
        REQUIRE(link.world.in_org("POST", path).status == 200);
        auto third = link.due();
        REQUIRE(third.size() == 1);
        CHECK(third[0].keys.size() == 1);
    }

    TEST_CASE("an agent that knows no capabilities is told no keys") {
        Link link(proto::streams_since - 1);
        CHECK(Link::keys_in(link.welcome).empty());
        link.world.in_org("POST", "/tunnel-keys/rotate");
        CHECK(link.due().empty());
    }
}
