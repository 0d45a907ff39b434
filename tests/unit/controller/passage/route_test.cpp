#include "../world/agent.hpp"
#include "controller/passage/connections.hpp"
#include "controller/passage/routes.hpp"
#include "proto/messages.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::test;

namespace {

struct Stand {
    Stand() : server(world.add_server("fra-1")), agent(world, server) {
        passage::add_routes(world.core->table, desk);
    }

    void tell(std::uint16_t port, std::string problem = "") {
        agent.connect();
        agent.settle();
        proto::Inventory inventory;
        inventory.ssh.emplace();
        inventory.ssh->port = port;
        inventory.ssh->problem = std::move(problem);
        REQUIRE(world.core->agents.inventory(*agent.link, inventory));
    }
    Reply ask() { return world.in_org("GET", "/servers/" + server.str() + "/ssh"); }
    api::Response offered() {
        api::Request request;
        request.method = api::Method::get;
        request.path =
            "/api/v1/orgs/" + world.org.org().str() + "/servers/" + server.str() + "/ssh";
        request.address = "192.0.2.7";
        request.at = world.clock.now();
        std::string pattern;
        return api::Router(world.core->table, world.guard).handle(request, pattern);
    }

    World world;
    api::Desk desk{world.core->store, world.log, world.events};
    ServerId server;
    Agent agent;
};

std::string reason_of(proto::StreamEnd code) {
    return passage::end_of_reset(static_cast<std::uint32_t>(code)).reason;
}

} // namespace

TEST_SUITE("controller/passage") {

    TEST_CASE("a server whose sshd can be reached is offered, to the caller as they were let in") {
        Stand stand;
        stand.tell(22);
        auto response = stand.offered();
        REQUIRE(response.socket);
        const auto& offer = *response.socket;
        CHECK(offer.to == api::SocketOffer::To::ssh);
        CHECK(offer.subject == stand.server.str());
        REQUIRE(offer.caller);
        CHECK(offer.caller->who.user == stand.world.guard.principal->user);
        CHECK(offer.caller->who.scope->org() == stand.world.org.org());
        CHECK(offer.caller->subject_name == "fra-1");
    }

    TEST_CASE("a server that cannot be reached says why, and what to do") {
        Stand stand;
        CHECK(stand.ask().code() == "server_offline");
        stand.tell(0, "There is no sshd on this server.");
        auto refused = stand.ask();
        CHECK(refused.status == 409);
        CHECK(refused.code() == "ssh_not_offered");
        CHECK(refused.text("detail").find("There is no sshd") != std::string::npos);
        CHECK(refused.text("detail").find("/etc/fairlead/policy.yaml") != std::string::npos);
        stand.agent.protocol = proto::ssh_keys_since - 1;
        stand.agent.connect();
        CHECK(stand.ask().code() == "agent_too_old");
        stand.world.act_for(stand.world.other);
        CHECK(stand.ask().status == 404);
    }

    TEST_CASE("each end of the server's side has a word") {
        CHECK(reason_of(proto::StreamEnd::not_offered) == "not_offered");
        CHECK(reason_of(proto::StreamEnd::unreachable) == "sshd_unreachable");
        CHECK(reason_of(proto::StreamEnd::denied) == "denied");
        CHECK(passage::end_of_reset(0).reason == "lost");
        CHECK(passage::end_of_reset(0).code == 4503);
    }
}
