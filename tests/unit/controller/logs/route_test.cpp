#include "../world/agent.hpp"
#include "controller/logs/routes.hpp"
#include "proto/messages.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;

namespace {

struct Stand {
    explicit Stand(std::uint32_t protocol = proto::protocol) {
        logs::add_routes(world.core->table, parts);
        server = world.add_server("fra-1");
        Agent agent(world, server);
        auto hello = agent.hello();
        hello.protocol = protocol;
        REQUIRE(world.core->agents.hello({world.org, server, "fra-1"}, hello));
    }
    Reply recordings(const std::string& rest = "") {
        return world.in_org("GET", "/servers/" + server.str() + "/recordings" + rest);
    }
    Reply ask(const std::string& query = "") {
        return world.in_org("GET", "/servers/" + server.str() + "/logs" + query);
    }

    World world;
    logs::Directory directory;
    logs::RouteParts parts{{world.core->store, world.log, world.events}, directory};
    ServerId server;
};

} // namespace

TEST_SUITE("controller/logs/routes") {

    TEST_CASE("a look is written down once, and each file") {
        Stand stand;
        auto before = stand.world.audited().size();
        CHECK(stand.ask().status == 200);
        CHECK(stand.directory.size() == 1);
        CHECK(stand.world.audited().back() == "logs.view ok");
        CHECK(stand.ask("?before=s%3D1").status == 200);
        CHECK(stand.world.audited().size() == before + 1);
        // Another log is another look.
        CHECK(stand.ask("?source=postgresql&before=s%3D1").status == 200);
        CHECK(stand.world.audited().size() == before + 2);
        CHECK(stand.ask("?format=text").status == 200);
        CHECK(stand.world.audited().back() == "logs.download ok");
        stand.world.clock.advance(logs::look_lasts);
        CHECK(stand.ask("?before=s%3D1").status == 200);
        CHECK(stand.world.audited().size() == before + 4);
    }

    TEST_CASE("a file has a name, and a question about it opens nothing") {
        Stand stand;
        auto before = stand.world.audited().size();
        auto head =
            stand.world.in_org("HEAD", "/servers/" + stand.server.str() + "/logs?format=text");
        CHECK(head.status == 200);
        CHECK(stand.directory.size() == 0);
        CHECK(stand.world.audited().size() == before);
        bool named = false;
        for (const auto& [name, value] : head.headers)
            named = named || (name == "Content-Disposition" &&
                              value.find("filename=\"fra-1-agent-") != std::string::npos);
        CHECK(named);
    }

    TEST_CASE("each replay is written down, and looking at the list once") {
        Stand stand;
        auto before = stand.world.audited().size();
        for (int i = 0; i < 2; ++i) CHECK(stand.recordings().status == 200);
        CHECK(stand.world.audited().size() == before + 1);
        CHECK(stand.world.audited().back() == "recordings.view ok");
        const std::string id = "/term_01J0000000000000000000000A";
        bool named = false;
        for (int i = 0; i < 2; ++i) {
            auto reply = stand.recordings(id);
            CHECK(reply.status == 200);
            for (const auto& [name, value] : reply.headers)
                named = named ||
                        (name == "Content-Disposition" &&
                         value.find("term_01J0000000000000000000000A.cast\"") != std::string::npos);
        }
        CHECK(named);
        CHECK(stand.world.audited().size() == before + 3);
        CHECK(stand.world.audited().back() == "recordings.replay ok");
        CHECK(stand.directory.size() == 4);
        for (const auto* wrong : {"/log_01J0000000000000000000000A", "/..%2Fx", "/term_1"})
            CHECK(stand.recordings(wrong).status >= 400);
        CHECK(stand.directory.size() == 4);
    }

    TEST_CASE("a replay from a server where production runs asks for a proof, the list does not") {
        Stand stand;
        const std::string id = "/term_01J0000000000000000000000A";
        stand.world.guard.principal->elevated = stand.world.clock.now() - 16min;
        CHECK(stand.recordings(id).status == 200);
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
        CHECK(stand.recordings(id).code() == "step_up_required");
        CHECK(stand.recordings().status == 200);
        stand.world.guard.principal->elevated = stand.world.clock.now();
        CHECK(stand.recordings(id).status == 200);
        stand.world.guard.principal->key = KeyId::make(stand.world.clock.now());
        CHECK(stand.recordings(id).code() == "session_required");
    }

    TEST_CASE("servers that cannot be read are told by name") {
        Stand old(proto::logs_since - 1);
        CHECK(old.ask().code() == "agent_too_old");
        Stand older(proto::recordings_since - 1);
        CHECK(older.recordings().code() == "agent_too_old");
        Stand away;
        REQUIRE(away.world.in_org("GET", "/servers/" + away.server.str()).status == 200);
        auto stranger = ServerId::make(away.world.clock.now());
        CHECK(away.world.in_org("GET", "/servers/" + stranger.str() + "/logs").status == 404);
        CHECK(away.directory.size() == 0);
    }

    TEST_CASE("wrong questions are refused before anything is written down") {
        Stand stand;
        auto before = stand.world.audited().size();
        for (const auto* query : {"?source=odoo", "?level=loud", "?lines=0", "?before=..%2Fx"}) {
            CAPTURE(query);
            CHECK(stand.ask(query).status == 400);
        }
        CHECK(stand.world.audited().size() == before);
        CHECK(stand.directory.size() == 0);
    }
}
