#include "../world/agent.hpp"
#include "controller/fleet/server_repo.hpp"
#include "controller/terminal/routes.hpp"
#include "proto/messages.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;

namespace {

/// A server whose agent has said as whom terminals may be opened.
struct Stand {
    explicit Stand(std::vector<std::string> users, std::uint32_t protocol = proto::protocol) {
        terminal::add_routes(world.core->table, parts);
        server = world.add_server("fra-1");
        Agent agent(world, server);
        auto hello = agent.hello();
        hello.protocol = protocol;
        hello.terminal_users = std::move(users);
        greet(hello);
        world.guard.principal->elevated = world.clock.now();
    }

    void greet(const proto::Hello& hello) {
        REQUIRE(world.core->agents.hello({world.org, server, "fra-1"}, hello));
    }
    std::string path() const { return "/servers/" + server.str() + "/terminals"; }
    Reply ask(std::string user = "deploy") {
        return world.in_org("POST", path(), boost::json::object{{"user", std::move(user)}});
    }
    std::string id_of(const Reply& reply) {
        return std::string(reply.json.at("terminal").at("id").as_string());
    }

    World world;
    terminal::Directory directory;
    terminal::Tickets tickets;
    std::vector<std::pair<terminal::TerminalId, std::string>> cuts;
    terminal::RouteParts parts{
        {world.core->store, world.log, world.events},
        directory,
        tickets,
        [this](const terminal::TerminalId& id, terminal::Ending why) {
            cuts.emplace_back(id, why.reason);
        }};
    ServerId server;
};

} // namespace

TEST_SUITE("controller/terminal/routes") {

    TEST_CASE("a ticket is for the caller, as a user that the server allows, and is written down") {
        Stand stand({"deploy", "odoo-ops"});
        auto shown = stand.world.in_org("GET", "/servers/" + stand.server.str());
        CHECK(
            boost::json::serialize(shown.json.at("terminal_users")) == R"(["deploy","odoo-ops"])"
        );
        auto made = stand.ask("odoo-ops");
        REQUIRE(made.status == 201);
        auto id = terminal::TerminalId::parse(stand.id_of(made)).value();
        const auto& who = *stand.world.guard.principal;
        terminal::Bearer bearer{id, who.user, *who.session, "192.0.2.7"};
        CHECK(stand.tickets.check(made.text("ticket"), bearer, stand.world.clock.now()));
        auto seat = stand.directory.find(stand.world.org.org(), id);
        REQUIRE(seat);
        CHECK(seat->unix_user == "odoo-ops");
        CHECK(seat->bonds == who.bonds());
        CHECK(stand.world.audited().back() == "terminal.ticket ok");
    }

    TEST_CASE("who the server does not allow is refused with what its root has to write") {
        Stand stand({"deploy"});
        auto refused = stand.ask("root");
        CHECK(refused.status == 409);
        CHECK(refused.code() == "terminal_user_not_allowed");
        CHECK(refused.text("detail").find("allow: [root]") != std::string::npos);
        CHECK(stand.ask("deploy; id").blames("user"));
        auto large = stand.world.in_org(
            "POST", stand.path(), boost::json::object{{"user", "deploy"}, {"columns", 1001}}
        );
        CHECK(large.blames("columns"));

        Stand none({});
        CHECK(none.ask().code() == "terminals_not_allowed");
        Stand old({"deploy"}, proto::terminals_since - 1);
        CHECK(old.ask().code() == "agent_too_old");
    }

    TEST_CASE("names that are none are not kept, nor more than 64") {
        std::vector<std::string> users{"deploy", "a b", "-x", "", std::string(33, 'x')};
        for (int i = 0; i < 100; ++i) users.push_back("u" + std::to_string(i));
        Stand stand(users);
        auto shown = stand.world.in_org("GET", "/servers/" + stand.server.str());
        const auto& kept = shown.json.at("terminal_users").as_array();
        CHECK(kept.size() == 64);
        CHECK(kept.at(1).as_string() == "u0");
    }

    TEST_CASE("a key opens none, and production asks for a proof") {
        Stand stand({"deploy"});
        stand.world.guard.principal->elevated = stand.world.clock.now() - 16min;
        CHECK(stand.ask().status == 201);
        REQUIRE(stand.world.core->store.write([&](store::UnitOfWork& unit) {
            return unit.db().run(
                "INSERT INTO environment (id, org_id, project_id, server_id, name, slug, type, "
                "branch, port, gevent_port, modules, requirements, domains, memory_max_bytes, "
                "cpu_percent, tasks_max, workers, system_site_packages, keep_releases, live_state, "
                "live_detail, created_ms) VALUES ('env_A', $1, 'prj_A', $2, 'live', 'live', "
                "'production', '', 8069, 8072, '[]', '[]', '[]', 0, 0, 0, 2, 1, 3, 'absent', '', "
                "0)",
                stand.world.org.org(), stand.server
            );
        }));
        auto refused = stand.ask();
        CHECK(refused.status == 403);
        CHECK(refused.code() == "step_up_required");
        stand.world.guard.principal->elevated = stand.world.clock.now();
        CHECK(stand.ask().status == 201);
        stand.world.guard.principal->key = KeyId::make(stand.world.clock.now());
        CHECK(stand.ask().code() == "session_required");
    }

    TEST_CASE("terminals are listed and ended by who may, in their own organization alone") {
        Stand stand({"deploy"});
        auto waiting = stand.id_of(stand.ask());
        auto open = terminal::TerminalId::parse(stand.id_of(stand.ask())).value();
        REQUIRE(stand.directory.take(open, stand.world.clock.now()));
        auto listed = stand.world.in_org("GET", stand.path());
        REQUIRE(listed.json.at("data").as_array().size() == 2);
        CHECK(listed.json.at("data").at(0).at("state").as_string() == "waiting");
        CHECK(listed.json.at("data").at(1).at("state").as_string() == "open");

        CHECK(stand.world.in_org("DELETE", stand.path() + "/" + waiting).status == 204);
        CHECK(stand.cuts.empty());
        CHECK(stand.world.in_org("DELETE", stand.path() + "/" + open.str()).status == 204);
        REQUIRE(stand.cuts.size() == 1);
        CHECK(stand.cuts[0] == std::pair{open, std::string("ended_by_other")});
        CHECK(stand.world.audited().back() == "terminal.end ok");
        CHECK(stand.world.in_org("DELETE", stand.path() + "/" + waiting).status == 404);

        stand.world.act_for(stand.world.other);
        CHECK(stand.world.in_org("GET", stand.path()).status == 404);
        CHECK(stand.world.in_org("DELETE", stand.path() + "/" + open.str()).status == 404);
    }
}
