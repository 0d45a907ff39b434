#include "../world/agent.hpp"
#include "common/crypto/encoding.hpp"
#include "common/runtime/file.hpp"
#include "proto/codec.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;
using Outcome = proto::Outcome;

namespace {

/// A controller that hands out 0.2.0, and servers whose agents are 0.1.0.
struct Stand {
    Stand() { hand_out("0.2.0"); }

    void hand_out(const std::string& version) {
        auto folder = world.folder.path() / "packages";
        std::filesystem::create_directories(folder);
        auto package = "fairlead-agent_" + version + "_amd64.deb";
        REQUIRE(write_file(
            folder / "SHA256SUMS",
            std::string(64, 'a') + "  fairlead-agent-" + version + "-linux-amd64.tar.gz\n" +
                std::string(64, 'b') + "  " + package + "\n",
            0644
        ));
        REQUIRE(write_file(folder / "SHA256SUMS.sig", std::string(64, 's'), 0644));
        REQUIRE(write_file(folder / package, "package " + version, 0644));
    }
    Agent& add(const std::string& name, const std::string& ring = "") {
        auto server = world.add_server(name);
        if (!ring.empty())
            REQUIRE(
                world.in_org(
                         "PATCH", "/servers/" + server.str(), {{"labels", {{"ring", ring}}}}
                ).status == 200
            );
        auto& agent = *agents.emplace_back(std::make_unique<Agent>(world, server));
        agent.connect();
        return agent;
    }
    Reply begin(std::int64_t soak_s = 60) {
        boost::json::object canary{{"labels", {{"ring", "canary"}}}};
        return begin_with({canary}, soak_s);
    }
    Reply begin_with(boost::json::array stages, std::int64_t soak_s) {
        auto reply =
            world.in_org("POST", "/agent-rollouts", {{"stages", stages}, {"soak_s", soak_s}});
        if (reply.status == 201) id = reply.id();
        return reply;
    }
    Reply act(const std::string& what) {
        return world.in_org("POST", "/agent-rollouts/" + id + "/" + what);
    }
    boost::json::object rollout() {
        auto reply = world.in_org("GET", "/agent-rollouts/" + id);
        REQUIRE(reply.status == 200);
        return reply.json.as_object();
    }
    std::string state() { return std::string(rollout().at("state").as_string()); }
    /// "name state", by stage and name.
    std::vector<std::string> servers() {
        std::vector<std::string> all;
        auto shown = rollout();
        for (const auto& one : shown.at("servers").as_array())
            all.push_back(
                std::string(one.at("server_name").as_string()) + " " +
                std::string(one.at("state").as_string())
            );
        return all;
    }
    void pass(std::chrono::seconds time) {
        world.clock.advance(time);
        REQUIRE(world.core->updates.tick());
    }
    static void fetch(Agent& agent) {
        agent.fetch();
        agent.take_all();
        while (!agent.reports.empty()) REQUIRE(agent.report());
    }
    /// It installs what it was told to, and comes back as `version` says.
    void
    install(Agent& agent, const std::string& version = "0.2.0", const std::string& error = "") {
        fetch(agent);
        auto open = agent.unfinished();
        REQUIRE(open.size() == 1);
        agent.disconnect();
        agent.version = version;
        agent.connect();
        agent.take_all();
        agent.finish(open[0], error.empty() ? Outcome::succeeded : Outcome::failed, {}, error);
        while (!agent.reports.empty()) REQUIRE(agent.report());
    }
    static std::size_t asked(Agent& agent) {
        fetch(agent);
        return agent.unfinished().size();
    }

    World world;
    std::vector<std::unique_ptr<Agent>> agents;
    std::string id;
};

using Words = std::vector<std::string>;

} // namespace

TEST_SUITE("controller/updates") {

    TEST_CASE("one server gets what is handed out, with the release's signature") {
        Stand stand;
        auto& agent = stand.add("fra-1");
        auto package = stand.world.in_org("GET", "/agent-package");
        CHECK(package.text("version") == "0.2.0");
        CHECK(package.text("sha256") == std::string(64, 'b'));
        auto path = "/servers/" + agent.server.str() + "/update-agent";
        CHECK(stand.world.in_org("POST", path, {{"version", "0.3.0"}}).code() == "version_changed");
        auto asked = stand.world.in_org("POST", path, {{"version", "0.2.0"}});
        CHECK(asked.status == 202);
        Stand::fetch(agent);
        CHECK(stand.world.in_org("POST", path).code() == "update_running");
        auto open = agent.unfinished();
        REQUIRE(open.size() == 1);
        auto args =
            proto::read<proto::AgentUpdateArgs>(agent.known[open[0]].operation.args).value();
        CHECK(args.version == "0.2.0");
        CHECK(args.package == "fairlead-agent_0.2.0_amd64.deb");
        CHECK(args.sums.find(args.package) != std::string::npos);
        CHECK(crypto::base64_decode(args.signature).value() == std::string(64, 's'));
        stand.install(agent);
        CHECK(stand.world.in_org("POST", path).code() == "version_installed");
        agent.disconnect();
        CHECK(stand.world.in_org("POST", path).code() == "server_offline");
        agent.protocol = proto::updates_since - 1;
        agent.connect();
        CHECK(stand.world.in_org("POST", path).code() == "agent_too_old");
        auto log = stand.world.audited();
        CHECK(std::ranges::count(log, "agent.update ok") == 1);
    }

    TEST_CASE("what else a server is asked waits until its agent is updated") {
        Stand stand;
        auto& agent = stand.add("fra-1");
        auto path = "/servers/" + agent.server.str();
        REQUIRE(stand.world.in_org("POST", path + "/update-agent").status == 202);
        REQUIRE(stand.world.in_org("POST", path + "/ping").status == 202);
        CHECK(Stand::asked(agent) == 1);
        stand.install(agent);
        CHECK(Stand::asked(agent) == 1);
        CHECK(agent.known[agent.unfinished()[0]].operation.kind == proto::kind::ping);
    }

    TEST_CASE("canaries first, the rest when they have been well for a time") {
        Stand stand;
        auto& rest = stand.add("a-rest");
        auto& canary = stand.add("b-canary", "canary");
        auto& away = stand.add("c-away");
        away.disconnect();
        CHECK(stand.begin().status == 201);
        CHECK(stand.begin().code() == "rollout_running");
        stand.pass(1s);
        CHECK(stand.servers() == Words{"b-canary updating", "a-rest waiting", "c-away waiting"});
        CHECK(Stand::asked(rest) == 0);
        stand.install(canary);
        stand.pass(1s);
        stand.pass(50s);
        CHECK(Stand::asked(rest) == 0);
        // Its time begins anew when it was away.
        canary.disconnect();
        stand.pass(20s);
        canary.connect();
        stand.pass(1s);
        stand.pass(50s);
        CHECK(Stand::asked(rest) == 0);
        stand.pass(20s);
        stand.pass(1s);
        stand.install(rest);
        stand.pass(1s);
        stand.pass(70s);
        CHECK(stand.state() == "running"); // one is left for later
        CHECK(stand.servers() == Words{"b-canary healthy", "a-rest healthy", "c-away waiting"});
        away.connect();
        stand.pass(1s);
        stand.install(away);
        stand.pass(1s);
        stand.pass(70s);
        CHECK(stand.state() == "succeeded");
        auto log = stand.world.audited();
        for (const auto* entry :
             {"agent_rollout.create ok", "agent_rollout.advance ok", "agent_rollout.finish ok"})
            CHECK(std::ranges::count(log, entry) == 1);
        CHECK(stand.begin().code() == "nothing_to_update");
    }

    TEST_CASE("it stops by itself at the first failure") {
        Stand stand;
        auto& rest = stand.add("a-rest");
        auto& canary = stand.add("b-canary", "canary");
        REQUIRE(stand.begin().status == 201);
        stand.pass(1s);
        SUBCASE("it returned") {
            stand.install(canary, "0.1.0", "update_unhealthy");
        }
        SUBCASE("it says so, and is not") {
            stand.install(canary, "0.1.0");
        }
        SUBCASE("it goes back later") {
            stand.install(canary);
            stand.pass(1s);
            canary.disconnect();
            canary.version = "0.1.0";
            canary.connect();
        }
        SUBCASE("it does not come back") {
            Stand::fetch(canary);
            canary.disconnect();
            stand.pass(21min);
        }
        stand.pass(1s);
        CHECK(stand.state() == "stopped");
        CHECK(stand.servers() == Words{"b-canary failed", "a-rest waiting"});
        auto reason = std::string(stand.rollout().at("reason").as_string());
        CHECK(reason.starts_with("b-canary: "));
        stand.pass(100s);
        CHECK(Stand::asked(rest) == 0);
        CHECK(stand.act("resume").code() == "rollout_over");
        auto log = stand.world.audited();
        CHECK(std::ranges::count(log, "agent_rollout.stop ok") == 1);
        CHECK(stand.begin().status == 201);
    }

    TEST_CASE("a server whose update waits behind something long is waited for") {
        Stand stand;
        auto& canary = stand.add("b-canary", "canary");
        REQUIRE(stand.begin().status == 201);
        stand.pass(1s);
        REQUIRE(Stand::asked(canary) == 1);
        stand.pass(60min);
        CHECK(stand.servers() == Words{"b-canary updating"});
        // Once it has begun it must not take so long.
        canary.step(canary.unfinished()[0], "install", proto::StepState::running);
        REQUIRE(canary.report());
        stand.pass(19min);
        CHECK(stand.state() == "running");
        stand.pass(2min);
        CHECK(stand.state() == "stopped");
    }

    TEST_CASE("a policy that refuses is no failure, but shows nothing either") {
        Stand stand;
        stand.add("a-rest");
        auto& one = stand.add("b-canary", "canary");
        auto& two = stand.add("c-canary", "canary");
        REQUIRE(stand.begin().status == 201);
        stand.pass(1s);
        stand.install(one, "0.1.0", "policy_refused");
        std::string expected = "running";
        SUBCASE("of one") {
            stand.install(two);
        }
        SUBCASE("of all") {
            stand.install(two, "0.1.0", "policy_refused");
            expected = "stopped";
        }
        stand.pass(1s);
        stand.pass(70s);
        stand.pass(1s);
        CHECK(stand.state() == expected);
    }

    TEST_CASE("a stage of nobody lets nobody else through") {
        Stand stand;
        auto& rest = stand.add("a-rest");
        SUBCASE("no server has its labels") {}
        SUBCASE("whoever has them cannot update itself") {
            auto& old = stand.add("b-canary", "canary");
            old.disconnect();
            old.protocol = proto::updates_since - 1;
            old.connect();
        }
        CHECK(stand.begin().code() == "stage_empty");
        CHECK(Stand::asked(rest) == 0);
    }

    TEST_CASE("when its only canary is revoked it stops") {
        Stand stand;
        auto& rest = stand.add("a-rest");
        auto& canary = stand.add("b-canary", "canary");
        canary.disconnect();
        REQUIRE(stand.begin(0).status == 201);
        auto path = "/servers/" + canary.server.str();
        auto revoked =
            stand.world.in_org("POST", path + "/revoke", nullptr, {{"x-confirm", "b-canary"}});
        REQUIRE(revoked.status == 200);
        stand.pass(1s);
        stand.pass(1s);
        CHECK(stand.state() == "stopped");
        CHECK(Stand::asked(rest) == 0);
    }

    TEST_CASE("it is over when the controller hands out another version") {
        Stand stand;
        stand.add("a-rest");
        auto& canary = stand.add("b-canary", "canary");
        REQUIRE(stand.begin().status == 201);
        stand.pass(1s);
        stand.install(canary);
        stand.hand_out("0.3.0");
        stand.pass(1s);
        CHECK(stand.state() == "stopped");
        auto reason = std::string(stand.rollout().at("reason").as_string());
        CHECK(reason == "This controller hands out the agent 0.3.0 now, and 0.2.0 no more.");
    }

    TEST_CASE("what was asked and not begun is withdrawn when it stops") {
        Stand stand;
        auto& one = stand.add("b-canary", "canary");
        auto& two = stand.add("c-canary", "canary");
        REQUIRE(stand.begin().status == 201);
        stand.pass(1s);
        stand.install(one, "0.1.0", "update_unhealthy");
        stand.pass(1s);
        CHECK(stand.state() == "stopped");
        CHECK(stand.servers() == Words{"b-canary failed", "c-canary updating"});
        auto shown = stand.rollout();
        auto id = std::string(shown.at("servers").as_array().at(1).at("operation_id").as_string());
        auto operation = stand.world.in_org("GET", "/operations/" + id);
        CHECK(operation.json.at("cancel_requested").as_bool());
        Stand::fetch(two);
        two.finish(id, Outcome::cancelled, {}, "");
        while (!two.reports.empty()) REQUIRE(two.report());
        CHECK(stand.servers() == Words{"b-canary failed", "c-canary skipped"});
    }

    TEST_CASE("a server that cannot now is asked again") {
        Stand stand;
        auto& canary = stand.add("b-canary", "canary");
        REQUIRE(stand.begin().status == 201);
        stand.pass(1s);
        stand.install(canary, "0.1.0", "update_hours");
        stand.pass(5min);
        CHECK(stand.servers() == Words{"b-canary waiting"});
        stand.pass(6min);
        CHECK(stand.servers() == Words{"b-canary updating"});
    }

    TEST_CASE("paused, it asks nobody; cancelled, nobody any more") {
        Stand stand;
        auto& rest = stand.add("a-rest");
        auto& canary = stand.add("b-canary", "canary");
        REQUIRE(stand.begin(0).status == 201);
        stand.pass(1s);
        CHECK(stand.act("pause").json.at("state").as_string() == "paused");
        CHECK(stand.act("pause").status == 200);
        stand.install(canary);
        stand.pass(10s);
        stand.pass(10s);
        CHECK(stand.servers() == Words{"b-canary healthy", "a-rest waiting"});
        CHECK(stand.act("resume").status == 200);
        stand.pass(1s);
        stand.pass(1s);
        CHECK(Stand::asked(rest) == 1);
        stand.install(rest, "0.1.0", "update_hours");
        CHECK(stand.act("cancel").json.at("state").as_string() == "cancelled");
        CHECK(stand.servers() == Words{"b-canary healthy", "a-rest skipped"});
        stand.pass(60min);
        CHECK(Stand::asked(rest) == 0);
        CHECK(stand.act("cancel").code() == "rollout_over");
    }

    TEST_CASE("at most ten at once, and what has an agent from before is left out") {
        Stand stand;
        for (int i = 0; i < 12; ++i)
            stand.add("s-" + std::string(i < 10 ? "0" : "") + std::to_string(i));
        auto& old = stand.add("z-old");
        old.disconnect();
        old.protocol = proto::updates_since - 1;
        old.connect();
        REQUIRE(stand.begin_with({}, 0).status == 201);
        stand.pass(1s);
        auto states = stand.servers();
        auto updating = std::ranges::count_if(states, [](const auto& one) {
            return one.ends_with("updating");
        });
        CHECK(updating == 10);
        CHECK(states.back() == "z-old skipped");
        stand.install(*stand.agents[0]);
        stand.pass(1s);
        CHECK(stand.servers()[10] == "s-10 updating");
    }

    TEST_CASE("others neither see nor touch it, and what is asked has its limits") {
        Stand stand;
        stand.add("a");
        REQUIRE(stand.begin_with({}, 0).status == 201);
        boost::json::array many(11, boost::json::object{{"labels", {{"a", "b"}}}});
        CHECK(stand.world.in_org(
                             "POST", "/agent-rollouts", {{"stages", many}, {"soak_s", 0}}
        ).blames("stages"));
        CHECK(stand.world
                  .in_org(
                      "POST", "/agent-rollouts", {{"stages", boost::json::array()}, {"soak_s", -1}}
                  )
                  .blames("soak_s"));
        auto list = stand.world.in_org("GET", "/agent-rollouts");
        CHECK(list.json.at("data").as_array().size() == 1);
        stand.world.act_for(stand.world.other);
        CHECK(
            stand.world
                .call(
                    "GET",
                    "/api/v1/orgs/" + stand.world.other.org().str() + "/agent-rollouts/" + stand.id
                )
                .status == 404
        );
    }
}
