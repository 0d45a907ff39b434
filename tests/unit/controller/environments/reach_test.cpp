#include "common/crypto/encoding.hpp"
#include "common/store/memory_db.hpp"
#include "controller/environments/schema.hpp"
#include "fixture.hpp"

#include <utility>

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
    static constexpr const char* tunnel_id = "6ff42ae2-765d-4adf-8112-31c55c1551ef";
    static std::string token(std::string_view secret) {
        return crypto::base64_encode(boost::json::serialize(object{
            {"a", "5ab4e9dfbd435d24068829fda0077963"},
            {"t", tunnel_id},
            {"s", crypto::base64_encode(secret)}}));
    }
    static std::string path(const std::string& id) {
        return "/environments/" + id + "/connector-token";
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

    TEST_CASE_FIXTURE(
        Fixture, "cloudflared needs its agent, and a token that is sent and not shown"
    ) {
        auto id = create(project(), {{"exposure", "cloudflared"}}).id();
        auto shown = get(id);
        CHECK(shown.text("exposure_detail").find("no connector token") != std::string::npos);
        CHECK(shown.json.at("connector") == object{{"state", "none"}, {"token", nullptr}});
        CHECK(post(id, "deploy").code() == "no_connector_token");

        auto made = world.in_org("PUT", path(id), {{"token", token("marker-secret")}});
        REQUIRE(made.status == 200);
        CHECK(made.text("tunnel_id") == tunnel_id);
        CHECK(get(id).json.at("exposure_detail").is_null());
        CHECK(get(id).json.at("connector").at("token") == made.json);

        agent.protocol = proto::cloudflared_since - 1;
        agent.connect();
        for (auto act : {"deploy", "preflight"}) {
            auto refused = post(id, act);
            CHECK(refused.code() == "agent_too_old");
            CHECK(
                refused.text("detail").find("for the exposure \"cloudflared\"") != std::string::npos
            );
        }
        agent.protocol = proto::protocol;
        agent.connect();
        auto operation = deploy(id);
        const auto& sent = agent.known.at(operation).operation;
        CHECK(args(operation).environment.exposure == proto::Exposure::cloudflared);
        CHECK(sent.secrets.at("connector:" + id) == token("marker-secret"));
        run(post(id, "preflight").id(), proto::Outcome::succeeded);
        for (const auto& [name, known] : agent.known)
            if (name != operation) CHECK(known.operation.secrets.empty());

        auto copy = world.folder.path() / "copy";
        world.copy_to(copy);
        auto bytes = read_file(copy, 64 << 20).value();
        CHECK(bytes.find(tunnel_id) != std::string::npos);
        CHECK(bytes.find(token("marker-secret")) == std::string::npos);
        CHECK(bytes.find("marker-secret") == std::string::npos);
        for (const auto& event : world.events.take())
            CHECK(event.data.find(token("marker-secret")) == std::string::npos);
    }

    TEST_CASE_FIXTURE(
        Fixture, "another token waits for a deployment, and goes with the environment"
    ) {
        auto id = create(project(), {{"exposure", "cloudflared"}}).id();
        REQUIRE(world.in_org("PUT", path(id), {{"token", token("one")}}).status == 200);
        deploy(id);
        CHECK(waiting(get(id)).empty());
        world.clock.advance(std::chrono::seconds(1));
        REQUIRE(world.in_org("PUT", path(id), {{"token", token("two")}}).status == 200);
        CHECK(waiting(get(id)) == std::vector<std::string>{"connector_token"});
        world.clock.advance(std::chrono::seconds(1));
        deploy(id);
        CHECK(waiting(get(id)).empty());

        CHECK(world.in_org("DELETE", path(id)).status == 204);
        CHECK(world.in_org("DELETE", path(id)).status == 404);
        CHECK(post(id, "deploy").code() == "no_connector_token");
        REQUIRE(world.in_org("PUT", path(id), {{"token", token("two")}}).status == 200);
        // What is of another organization is not there.
        world.act_for(world.other);
        CHECK(world.in_org("PUT", path(id), {{"token", token("two")}}).status == 404);
        CHECK(world.in_org("DELETE", path(id)).status == 404);
    }

    TEST_CASE_FIXTURE(Fixture, "what is no token says what is wrong with it") {
        auto id = create(project()).id();
        auto encoded = [](std::string_view json) { return crypto::base64_encode(json); };
        const std::pair<std::string, const char*> wrong[]{
            {"", "must have 1 to 4096"},
            {"sudo cloudflared service install eyJ", "spaces"},
            {"eyJhIjoi", "no JSON"},
            {"eyJh*", "not base64"},
            {encoded("[]"), "no JSON"},
            {encoded(R"({"t":"a","s":"b"})"), "no account"},
            {encoded(R"({"a":"a","t":"not-a-uuid","s":"b"})"), "no tunnel"},
            {encoded(R"({"a":"a","t":")" + std::string(tunnel_id) + R"("})"), "no secret"},
        };
        for (const auto& [text, why] : wrong) {
            CAPTURE(text);
            auto refused = world.in_org("PUT", path(id), {{"token", text}});
            CHECK(refused.blames("token"));
            CHECK(boost::json::serialize(refused.json).find(why) != std::string::npos);
        }
    }

    TEST_CASE_FIXTURE(
        Fixture, "what a connector says of itself is shown while its server is there"
    ) {
        auto id = create(project(), {{"exposure", "cloudflared"}}).id();
        REQUIRE(world.in_org("PUT", path(id), {{"token", token("one")}}).status == 200);
        deploy(id);
        auto state = [&] { return get(id).json.at("connector").at("state"); };
        CHECK(state() == "connected");
        auto say = [&](std::string word) {
            proto::FactsMessage facts;
            facts.facts.environments = {{get(id).text("slug"), "running", std::move(word)}};
            REQUIRE(world.core->agents.facts(*agent.link, facts, 1));
        };
        say("disconnected");
        CHECK(state() == "disconnected");
        CHECK(get(id).text("status") == "running");
        say("upside down");
        CHECK(state() == "disconnected");
        say("connected");
        CHECK(state() == "connected");
        say("");
        CHECK(state() == "none");
        say("connected");
        agent.disconnect();
        CHECK(state() == "unknown");
    }

    TEST_CASE("environments from before there were connectors are reached as they were") {
        std::vector<store::Migration> steps{
            {1, "environments", environments::first_tables},
            {2, "backups", environments::backup_columns},
            {3, "exposure", environments::exposure_column}};
        store::MemoryDb memory(steps);
        auto& db = memory.db();
        for (const std::string way : {"port", "tunnel", "direct"})
            REQUIRE(db.run(
                "INSERT INTO environment (id, org_id, project_id, server_id, name, slug, type, "
                "port, gevent_port, modules, requirements, domains, workers, system_site_packages, "
                "keep_releases, created_ms, exposure) VALUES ($1, 'org', 'prj', 'srv', 'n', $1, "
                "'production', 8069, 8072, '[]', '[]', '[]', 0, 1, 5, 0, $1)",
                way
            ));
        steps.push_back({4, "connectors", environments::connectors});
        store::migrate(db, steps, Timestamp{});
        CHECK(
            db.all<std::string>("SELECT exposure FROM environment WHERE exposure = slug ORDER BY "
                                "slug")
                .value() == std::vector<std::string>{"direct", "port", "tunnel"}
        );
        CHECK(db.run("UPDATE environment SET exposure = 'cloudflared'"));
        CHECK_THROWS(db.run("UPDATE environment SET exposure = 'open'"));
    }
}
