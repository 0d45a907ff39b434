#include "../world/agent.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    World world;
    ServerId server = world.add_server();
    Agent agent{world, server};

    std::string ping() {
        auto reply = world.in_org("POST", "/servers/" + server.str() + "/ping");
        REQUIRE(reply.status == 202);
        return reply.id();
    }
};

} // namespace

TEST_SUITE("controller/operations/routes") {

    TEST_CASE_FIXTURE(Fixture, "an accepted operation has a place, and shows who asked for what") {
        auto reply = world.in_org("POST", "/servers/" + server.str() + "/ping");
        CHECK(reply.status == 202);
        auto place = reply.headers.at(0).second;
        CHECK(place == "/api/v1/orgs/" + world.org.org().str() + "/operations/" + reply.id());
        auto shown = world.call("GET", place);
        CHECK(shown.status == 200);
        CHECK(shown.text("kind") == "agent.ping");
        CHECK(shown.text("state") == "queued");
        CHECK(shown.json.at("target").at("type").as_string() == "server");
        CHECK(shown.json.at("requested_by").at("email").as_string() == "ann@example.org");
        CHECK(shown.json.at("error").is_null());
        CHECK(world.audited().back() == "agent.ping ok");
    }

    TEST_CASE_FIXTURE(Fixture, "another organization's operation is not there, for any route") {
        auto id = ping();
        world.act_for(world.other);
        for (const auto* path : {"", "/log", "/events"})
            CHECK(world.in_org("GET", "/operations/" + id + path).status == 404);
        CHECK(world.in_org("POST", "/operations/" + id + "/cancel").status == 404);
        CHECK(world.in_org("GET", "/operations").json.at("data").as_array().empty());
        CHECK(world.in_org("GET", "/operations/op_nonsense").status == 404);
    }

    TEST_CASE_FIXTURE(Fixture, "lists are newest first, filtered, and turn pages") {
        std::vector<std::string> ids;
        for (int i = 0; i < 5; ++i) ids.insert(ids.begin(), ping());
        auto first = world.in_org("GET", "/operations?limit=3");
        REQUIRE(first.json.at("data").as_array().size() == 3);
        CHECK(first.json.at("data").at(0).at("id").as_string() == ids[0]);
        auto second =
            world.in_org("GET", "/operations?limit=3&cursor=" + first.text("next_cursor"));
        REQUIRE(second.json.at("data").as_array().size() == 2);
        CHECK(second.json.at("data").at(1).at("id").as_string() == ids[4]);
        CHECK(second.json.at("next_cursor").is_null());

        CHECK(world.in_org("GET", "/operations?state=running").json.at("data").as_array().empty());
        CHECK(
            world.in_org("GET", "/operations?server=" + server.str())
                .json.at("data")
                .as_array()
                .size() == 5
        );
        CHECK(world.in_org("GET", "/operations?kind=environment.deploy")
                  .json.at("data")
                  .as_array()
                  .empty());
        CHECK(world.in_org("GET", "/operations?state=dancing").blames("state"));
        CHECK(world.in_org("GET", "/operations?kind=dance").blames("kind"));
        CHECK(world.in_org("GET", "/operations?server=here").blames("server"));
        CHECK(world.in_org("GET", "/operations?limit=0").blames("limit"));
        CHECK(world.in_org("GET", "/operations?cursor=xyz").code() == "bad_cursor");
    }

    TEST_CASE_FIXTURE(Fixture, "the log comes by sequence numbers and says where to go on") {
        auto id = ping();
        agent.connect();
        agent.fetch();
        agent.take_all();
        for (int i = 1; i <= 5; ++i) agent.log(id, "line " + std::to_string(i));
        agent.report();
        auto first = world.in_org("GET", "/operations/" + id + "/log?limit=2");
        CHECK(first.json.at("data").as_array().size() == 2);
        CHECK(first.json.at("next_after").as_int64() == 2);
        auto rest = world.in_org("GET", "/operations/" + id + "/log?after=2");
        CHECK(rest.json.at("data").at(0).at("text").as_string() == "line 3");
        CHECK(rest.json.at("next_after").is_null());
        CHECK(world.in_org("GET", "/operations/" + id + "/log?after=-1").blames("after"));
    }

    TEST_CASE_FIXTURE(
        Fixture, "a stream begins with what was missed, resumes where it can, and ends with a "
                 "finished operation"
    ) {
        auto id = ping();
        agent.connect();
        agent.fetch();
        agent.take_all();
        agent.log(id, "line 1");
        agent.report();
        auto path = "/operations/" + id + "/events";

        auto fresh = world.in_org("GET", path);
        REQUIRE(fresh.events);
        CHECK(fresh.events->after == world.events.position());
        CHECK(fresh.events->operation->str() == id);
        CHECK(fresh.events->first.starts_with("event: log\ndata: {\"seq\":1,"));
        CHECK(fresh.events->first.find("event: operation\ndata: {") != std::string::npos);
        CHECK(!fresh.events->ends);
        CHECK(fresh.events->bonds == world.guard.principal->bonds());

        auto resumed = world.in_org("GET", path, nullptr, {{"last-event-id", "3"}});
        CHECK(resumed.events->after == 3);
        CHECK(resumed.events->first.starts_with("event: operation\n"));

        world.events.oldest = 10'000;
        auto too_old = world.in_org("GET", path + "?last_event_id=3");
        CHECK(too_old.events->after == world.events.position());
        CHECK(too_old.events->first.starts_with("event: log\n"));
        CHECK(world.in_org("GET", path + "?last_event_id=x").status == 400);

        agent.settle();
        CHECK(world.in_org("GET", path).events->ends);
    }

    TEST_CASE_FIXTURE(Fixture, "cancel answers with the operation, and says why it cannot") {
        auto id = ping();
        auto cancelled = world.in_org("POST", "/operations/" + id + "/cancel");
        CHECK(cancelled.status == 202);
        CHECK(cancelled.text("state") == "cancelled");
        CHECK(cancelled.headers.at(0).second.ends_with("/operations/" + id));
        auto again = world.in_org("POST", "/operations/" + id + "/cancel");
        CHECK(again.status == 409);
        CHECK(again.code() == "operation_finished");
        CHECK(world.audited().back() == "operation.cancel ok");
    }

    TEST_CASE_FIXTURE(Fixture, "a failure keeps its code, its step and the report of the checks") {
        auto id = ping();
        agent.connect();
        agent.fetch();
        agent.take_all();
        proto::OperationResult result;
        result.preflight.emplace().checks.push_back(
            {"disk", "Disk", proto::CheckResult::failed, "1 GiB", "3 GiB", "Free some space."}
        );
        agent.finish(id, proto::Outcome::failed, result, "preflight_failed");
        agent.report();
        auto shown = world.in_org("GET", "/operations/" + id);
        CHECK(shown.json.at("error").at("code").as_string() == "preflight_failed");
        CHECK(shown.json.at("error").at("step").as_string() == "migrate");
        CHECK(shown.json.at("result").at("checks").at(0).at("need").as_string() == "3 GiB");
    }
}
