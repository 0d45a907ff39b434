#include "fixture.hpp"

using namespace fairlead;
using namespace fairlead::test;
using boost::json::array;
using boost::json::object;

namespace {

struct Fixture : EnvironmentWorld {
    Reply edit(const std::string& id, object change) {
        return world.in_org("PATCH", "/environments/" + id, std::move(change));
    }
    static std::vector<std::string> waiting(const Reply& shown) {
        std::vector<std::string> fields;
        for (const auto& change : shown.json.at("pending_changes").as_array())
            fields.emplace_back(change.at("field").as_string());
        return fields;
    }
};

} // namespace

TEST_SUITE("controller/environments/reach") {
    TEST_CASE_FIXTURE(Fixture, "an environment is reached on its server alone, unless asked for") {
        auto made = create(project());
        CHECK(made.text("exposure") == "port");
        CHECK(made.json.at("exposure_detail").is_null());
        CHECK(made.json.at("url").is_null());
        auto sent = args(deploy(made.id()));
        CHECK(sent.environment.exposure == proto::Exposure::port);
        CHECK(get(made.id()).text("url") == "http://127.0.0.1:18069");
        CHECK(create(project({{"name", "b"}}), {{"exposure", "open"}}).blames("exposure"));
    }

    TEST_CASE_FIXTURE(Fixture, "another exposure waits for a deployment, and so does the address") {
        auto id = create(project()).id();
        deploy(id);
        auto edited =
            edit(id, {{"exposure", "tunnel"}, {"domains", array{"shop.example.com", "b.example"}}});
        REQUIRE(edited.status == 200);
        CHECK(edited.text("exposure") == "tunnel");
        CHECK(waiting(edited) == std::vector<std::string>{"domains", "exposure"});
        CHECK(edited.json.at("pending_changes").at(1).at("summary").as_string() == "port → tunnel");
        CHECK(edited.text("url") == "http://127.0.0.1:18069");

        auto sent = args(deploy(id));
        CHECK(sent.environment.exposure == proto::Exposure::tunnel);
        auto shown = get(id);
        CHECK(waiting(shown).empty());
        CHECK(shown.text("url") == "https://shop.example.com");
        // What is live is what counts.
        CHECK(edit(id, {{"exposure", "port"}}).text("url") == "https://shop.example.com");
        CHECK(
            world.one<std::int64_t>("SELECT count(*) FROM audit_entry WHERE org_id <> '' AND "
                                    "after_json LIKE '%\"exposure\":\"tunnel\"%'") == 1
        );
    }

    TEST_CASE_FIXTURE(
        Fixture, "an agent that is too old for an exposure or a list of sources deploys neither"
    ) {
        auto plain = create(project()).id();
        auto tunnel =
            create(project({{"name", "b"}}), {{"name", "T"}, {"exposure", "tunnel"}}).id();
        agent.protocol = proto::reach_since - 1;
        agent.connect();
        for (auto act : {"deploy", "preflight"}) {
            auto refused = post(tunnel, act);
            CHECK(refused.status == 409);
            CHECK(refused.code() == "agent_too_old");
            CHECK(refused.text("detail").find("for the exposure \"tunnel\"") != std::string::npos);
        }
        deploy(plain);
        REQUIRE(world.core->store.write([&](store::UnitOfWork& unit) {
            return unit.db().run(
                "INSERT INTO org_setting (org_id, downloads) VALUES ($1, $2)", world.org.org(),
                R"(["git.example.com"])"
            );
        }));
        auto listed = post(plain, "deploy");
        CHECK(listed.code() == "agent_too_old");
        CHECK(listed.text("detail").find("lists for sources") != std::string::npos);
        // The cure.
        agent.protocol = proto::protocol;
        agent.connect();
        deploy(plain);
        deploy(tunnel);
    }

    TEST_CASE_FIXTURE(Fixture, "an exposure by domains is not refused without one, and says so") {
        auto id = create(project(), {{"exposure", "direct"}}).id();
        CHECK(get(id).text("exposure_detail").find("no domain") != std::string::npos);
        deploy(id);
        CHECK(get(id).text("url") == "http://127.0.0.1:18069");
        auto edited = edit(id, {{"domains", array{"shop.example.com"}}});
        CHECK(edited.json.at("exposure_detail").is_null());
    }
}
