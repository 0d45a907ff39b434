#include "../world/agent.hpp"
#include "common/crypto/encoding.hpp"
#include "common/runtime/file.hpp"
#include "controller/audit/notary.hpp"
#include "controller/audit/witnesses.hpp"
#include "controller/gateway/fleet_core.hpp"
#include "proto/codec.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::test;

namespace {

/// A link as the gateway has it, to a controller that hands one package out.
struct Link {
    Link() : server(world.add_server()), agent(world, server) {
        auto folder = world.folder.path() / "packages";
        std::filesystem::create_directories(folder);
        REQUIRE(
            write_file(folder / "SHA256SUMS", std::string(64, 'a') + "  " + package + "\n", 0644)
        );
        REQUIRE(write_file(folder / package, content, 0644));
        auto key = crypto::sha256(world.last_key.public_der()).hex();
        net::PeerCertificate certificate;
        certificate.common_name = server.str();
        certificate.uris = {"fairlead:org:" + world.org.org().str()};
        certificate.key_hash = certificate.fingerprint = key;
        state = core.identify(certificate).value();
        REQUIRE(core.hello(*state, proto::encode(proto::FromAgent(agent.hello()))));
    }

    proto::PackagePart ask(const std::string& file, std::uint64_t offset) {
        auto wanted = proto::encode(proto::FromAgent(proto::PackageWanted{file, offset}));
        auto replies = core.message(*state, wanted).value().messages;
        REQUIRE(replies.size() == 1);
        REQUIRE(replies[0].size() < proto::max_message);
        return std::get<proto::PackagePart>(proto::decode_to_agent(replies[0]).value());
    }

    const std::string package = "fairlead-agent_0.2.0_amd64.deb";
    const std::string content = std::string(proto::largest_package_part, 'x') + "the rest";
    World world;
    audit::Notary notary{world.core->store, world.keys, "fairlead.example"};
    audit::Witnesses witnesses{world.core->store, world.log, notary, world.clock};
    gateway::FleetCore core{
        {world.core->agents, witnesses, world.core->tunnel_keys, world.links, world.packages}};
    ServerId server;
    Agent agent;
    std::unique_ptr<gateway::LinkState> state;
};

} // namespace

TEST_SUITE("controller/updates/link") {

    TEST_CASE("an agent gets a package by its link, in parts of a bounded size") {
        Link link;
        auto first = link.ask(link.package, 0);
        CHECK(first.problem.empty());
        CHECK(first.size == link.content.size());
        auto text = crypto::base64_decode(first.data).value();
        CHECK(text.size() == proto::largest_package_part);
        auto second = link.ask(link.package, text.size());
        CHECK(text + crypto::base64_decode(second.data).value() == link.content);
    }

    TEST_CASE("what is not handed out is told as such, and the link stays") {
        Link link;
        for (const auto* file : {"", "../db0", "fairlead-agent_0.1.0_amd64.deb", "install.sh"}) {
            auto part = link.ask(file, 0);
            CHECK_FALSE(part.problem.empty());
            CHECK(part.data.empty());
        }
        CHECK_FALSE(link.ask(link.package, UINT64_MAX).problem.empty());
        CHECK(link.ask(link.package, 0).problem.empty());
    }
}
