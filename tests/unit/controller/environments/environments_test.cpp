#include "fixture.hpp"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;
using boost::json::array;
using boost::json::object;

namespace {
using Fixture = EnvironmentWorld;
} // namespace

TEST_SUITE("controller/environments") {
    TEST_CASE_FIXTURE(Fixture, "slugs and pairs of ports are kept apart on one server") {
        auto in = project();
        auto a = create(in), b = create(in);
        REQUIRE(a.status == 201);
        CHECK(a.text("slug") == "shop");
        CHECK(b.text("slug") == "shop-2");
        CHECK(a.json.at("port").as_int64() == 18069);
        CHECK(b.json.at("port").as_int64() == 18071);
        CHECK(create(in, {{"slug", "shop"}}).code() == "slug_in_use");
        CHECK(create(in, {{"port", 18070}}).code() == "port_in_use");
        CHECK(create(in, {{"port", 20000}}).json.at("port").as_int64() == 20000);
        CHECK(a.text("status") == "new");
        CHECK(a.json.at("current_release").is_null());
        CHECK(world.one<std::int64_t>("SELECT count(*) FROM environment WHERE org_id <> ''") == 3);
    }

    TEST_CASE_FIXTURE(Fixture, "names are stored in one spelling, each of one environment alone") {
        auto in = project();
        auto made = create(in, {{"domains", array{"Shop.Example.ORG.", "bücher.example.org"}}});
        REQUIRE(made.status == 201);
        CHECK(made.json.at("domains") == array{"shop.example.org", "xn--bcher-kva.example.org"});
        CHECK(made.json.at("domain_states").at(0).at("state") == "unclaimed");
        auto path = "/environments/" + made.id();
        // Its own names stay, whatever else changes.
        auto more = array{"shop.example.org", "www.example.org"};
        CHECK(world.in_org("PATCH", path, {{"domains", more}}).status == 200);
        for (const auto& names :
             {array{"SHOP.example.org"}, array{"www.example.org."}, array{"*.example.org"},
              array{"a.example.org", "A.example.org"}, array{"10.0.0.1"}, array{"fairlead.example"},
              array{"a.fairlead.example"}}) {
            CAPTURE(boost::json::serialize(names));
            auto second = create(in, {{"domains", names}});
            CHECK(second.code() == "validation_failed");
            CHECK(second.blames(names.size() == 1 ? "domains[0]" : "domains[1]"));
        }
        CHECK(create(in, {{"domains", array{"xn--bcher-kva.example.org"}}}).status == 201);
        // Names of a network of one's own are fine: nobody claims them.
        CHECK(create(in, {{"domains", array{"odoo.local"}}}).status == 201);
    }

    TEST_CASE_FIXTURE(
        Fixture, "an environment says how each of its names stands, and takes none that is another "
                 "organization's"
    ) {
        auto in = project();
        auto made = create(in, {{"domains", array{"shop.example.org", "a.wild.example.org"}}});
        REQUIRE(made.status == 201);
        auto path = "/environments/" + made.id();
        auto states = [&] {
            std::string all;
            auto shown = world.in_org("GET", path);
            for (const auto& one : shown.json.at("domain_states").as_array())
                all += std::string(one.at("state").as_string()) + " ";
            return all;
        };
        auto prove = [&](const char* name) {
            auto claim = world.in_org("POST", "/domains", {{"name", name}});
            REQUIRE(claim.status == 201);
            world.looker.sees(name, domains::Finding::found);
            world.in_org("POST", "/domains/" + claim.id() + "/check");
            while (world.core->checker.step()) {
            }
            return claim.id();
        };
        CHECK(states() == "unclaimed unclaimed ");
        world.in_org("POST", "/domains", {{"name", "shop.example.org"}});
        CHECK(states() == "pending unclaimed ");
        auto wild = prove("*.wild.example.org");
        CHECK(states() == "pending verified ");
        CHECK(world.in_org("DELETE", "/domains/" + wild).status == 204);
        CHECK(states() == "pending unclaimed ");

        auto act = world.org;
        world.act_for(world.other);
        prove("theirs.example.com");
        prove("*.theirs.example.net");
        world.act_for(act);
        for (const char* name : {"theirs.example.com", "a.theirs.example.net"}) {
            auto refused = world.in_org("PATCH", path, {{"domains", array{name}}});
            CHECK(refused.code() == "validation_failed");
            CHECK(refused.blames("domains[0]"));
        }
        // What it had before somebody proved it stays, and is not routed.
        CHECK(
            world.in_org("PATCH", path, {{"domains", array{"www.theirs.example.com"}}}).status ==
            200
        );
    }

    TEST_CASE_FIXTURE(Fixture, "bad input is named, field by field, and leaves nothing") {
        auto in = project();
        auto bad = create(
            in, {{"slug", "X"},
                 {"branch", "pull/1/head"},
                 {"port", 80},
                 {"modules", array{"Bad"}},
                 {"requirements", array{"-r x"}},
                 {"keep_releases", 0},
                 {"domains", array{"nodot"}},
                 {"resources", {{"workers", 65}, {"cpu_percent", "x"}, {"what", 1}}}}
        );
        CHECK(bad.status == 400);
        for (const auto* field :
             {"slug", "branch", "port", "modules[0]", "requirements[0]", "keep_releases",
              "domains[0]", "resources.workers", "resources.cpu_percent", "resources.what"}) {
            CAPTURE(field);
            CHECK(bad.blames(field));
        }
        CHECK(create(in, {{"type", "test"}}).blames("type"));
        CHECK(create(in, {{"colour", "red"}}).blames("colour"));
        CHECK(create("prj_x").blames("project_id"));
        CHECK(create(ProjectId::make(world.clock.now()).str()).status == 404);
        CHECK(world.one<std::int64_t>("SELECT count(*) FROM environment WHERE org_id <> ''") == 0);
        CHECK(
            world.one<std::int64_t>("SELECT count(*) FROM environment_port WHERE org_id <> ''") == 0
        );

        auto project_reply = world.in_org(
            "POST", "/projects",
            {{"name", "x"},
             {"odoo_version", "19"},
             {"odoo_source", {{"url", "http://a.b/c"}, {"branch", "-x"}}}}
        );
        for (const auto* field : {"odoo_version", "odoo_source.url", "odoo_source.branch"})
            CHECK(project_reply.blames(field));
    }

    TEST_CASE_FIXTURE(
        Fixture, "an environment's own branch is that of the repositories that follow it"
    ) {
        auto repository = [](const char* name, std::optional<bool> follows) {
            object body{
                {"name", name},
                {"url", std::string("https://git.example.com/") + name},
                {"branch", "main"}};
            if (follows) body["follows_environment"] = *follows;
            return body;
        };
        auto with = [&](array addons) { return project({{"addons", std::move(addons)}}); };
        auto branches = [&](const std::string& id) {
            auto asked = post(id, "deploy");
            REQUIRE_MESSAGE(asked.status == 202, boost::json::serialize(asked.json));
            run(asked.id(), proto::Outcome::succeeded);
            std::vector<std::string> found;
            for (const auto& source : args(asked.id()).environment.addons)
                found.push_back(source.name + " " + source.branch);
            return found;
        };
        using Branches = std::vector<std::string>;
        object own{{"branch", "feature"}};
        auto alone = create(with({repository("own", {})}), own).id();
        CHECK(branches(alone) == Branches{"own feature"});
        auto first = create(with({repository("own", true), repository("oca", {})}), own).id();
        CHECK(branches(first) == Branches{"own feature", "oca main"});
        auto both = create(with({repository("own", true), repository("oca", true)}), own).id();
        CHECK(branches(both) == Branches{"own feature", "oca feature"});

        auto neither = with({repository("own", {}), repository("oca", {})});
        auto refused = create(neither, own);
        CHECK(refused.status == 400);
        CHECK(refused.blames("branch"));
        CHECK(create(with({repository("own", false)}), own).blames("branch"));

        // The project changes under an environment that has a branch: told, not guessed.
        auto path = "/projects/" + get(first).text("project_id");
        object change{{"addons", array{repository("own", {}), repository("oca", {})}}};
        REQUIRE(world.in_org("PATCH", path, change).status == 200);
        auto deploy = post(first, "deploy");
        CHECK(deploy.status == 409);
        CHECK(deploy.code() == "branch_follows_nothing");
        CHECK(get(first).json.at("pending_changes").as_array().at(0).at("field") == "branch");
    }

    TEST_CASE_FIXTURE(
        Fixture, "a deployment makes a release from the specification, and the report makes it live"
    ) {
        auto id = create(
                      project(), {{"branch", "feature/x"},
                                  {"resources", {{"workers", 2}, {"memory_max_bytes", 1073741824}}}}
        ).id();
        auto asked = post(id, "deploy", {{"update", array{"sale"}}, {"note", "for Ann"}});
        REQUIRE(asked.status == 202);
        CHECK(get(id).text("status") == "deploying");
        CHECK(release_states(id) == std::vector<std::string>{"building"});
        CHECK(post(id, "deploy").code() == "operation_in_progress");
        CHECK(post(id, "deploy").text("operation_id") == asked.id());

        run(asked.id(), proto::Outcome::succeeded);
        auto sent = args(asked.id());
        CHECK(sent.environment.slug == "shop");
        CHECK(sent.environment.addons.at(0).branch == "feature/x");
        CHECK(sent.environment.resources.workers == 2);
        CHECK(sent.update == proto::UpdateMode::modules);
        CHECK(sent.modules == std::vector<std::string>{"sale"});
        auto shown = get(id);
        CHECK(shown.text("status") == "running");
        CHECK(shown.json.at("current_release").at("number").as_int64() == 1);
        CHECK(
            shown.json.at("current_release").at("commits").at(0).at("subject").as_string() ==
            "first"
        );
        CHECK(
            shown.json.at("current_release")
                .at("python_packages")
                .at(0)
                .at("version")
                .as_string() == "5.2.1"
        );
        CHECK(shown.json.at("pending_changes").as_array().empty());
        CHECK(shown.json.at("last_operation").at("id").as_string() == asked.id());
    }

    TEST_CASE_FIXTURE(Fixture, "a failed deployment leaves the release before it live") {
        auto id = create(project()).id();
        auto first = post(id, "deploy").id();
        run(first, proto::Outcome::failed, "migration_failed");
        CHECK(get(id).text("status") == "new");
        deploy(id);
        run(post(id, "deploy").id(), proto::Outcome::failed, "health_failed");
        CHECK(release_states(id) == std::vector<std::string>{"failed", "live", "failed"});
        CHECK(get(id).json.at("current_release").at("number").as_int64() == 2);
        CHECK(get(id).text("status") == "running");
        auto newest = std::string(world.in_org("GET", "/environments/" + id + "/releases")
                                      .json.at("data")
                                      .at(0)
                                      .at("id")
                                      .as_string());
        CHECK(
            post(id, "rollback", {{"release_id", newest}, {"database", "keep"}}).code() ==
            "release_not_kept"
        );
    }

    TEST_CASE_FIXTURE(
        Fixture, "an edit says what waits for a redeploy, never a secret, and the next deployment "
                 "takes it up"
    ) {
        auto in = project();
        auto id = create(in).id();
        deploy(id);
        world.clock.advance(1s);
        auto path = "/environments/" + id;
        CHECK(
            world.in_org("PUT", path + "/variables/SMTP_HOST", {{"value", "mail"}}).status == 200
        );
        CHECK(world.in_org("PUT", path + "/variables/KEY", {{"value", "hunter2"}, {"secret", true}})
                  .json.at("value")
                  .is_null());
        auto edited = world.in_org(
            "PATCH", path, {{"branch", "v2"}, {"resources", {{"memory_max_bytes", 2147483648}}}}
        );
        auto pending = boost::json::serialize(edited.json.at("pending_changes"));
        for (const auto* part :
             {"addons.own.branch", "main → v2", "resources.memory_max_bytes", "none → 2 GiB",
              "variables.SMTP_HOST", "variables.KEY"}) {
            CAPTURE(part);
            CHECK(pending.find(part) != std::string::npos);
        }
        CHECK(pending.find("hunter2") == std::string::npos);
        CHECK(world.in_org("PATCH", path, {{"branch", nullptr}}).json.at("branch").is_null());
        deploy(id);
        CHECK(get(id).json.at("pending_changes").as_array().empty());
        world.clock.advance(1s);
        world.in_org("PUT", path + "/variables/KEY", {{"value", "other"}, {"secret", true}});
        CHECK(
            boost::json::serialize(get(id).json.at("pending_changes")).find("new secret value") !=
            std::string::npos
        );
        CHECK(world.in_org("PATCH", "/projects/" + in, {{"odoo_version", "18.0"}}).status == 200);
        CHECK(
            boost::json::serialize(get(id).json.at("pending_changes")).find("19.0 → 18.0") !=
            std::string::npos
        );
    }

    TEST_CASE_FIXTURE(
        Fixture, "secrets are sealed at rest, handed out with the delivery, and nowhere else"
    ) {
        auto made = world.in_org(
            "POST", "/git-credentials",
            {{"name", "deploy"},
             {"host", "git.example.com"},
             {"kind", "token"},
             {"secret", "marker-token"}}
        );
        REQUIRE(made.status == 201);
        auto in = project(
            {{"odoo_source",
              {{"url", "https://git.example.com/odoo"},
               {"branch", "19.0"},
               {"credential_id", made.id()}}}}
        );
        auto id = create(in).id();
        world.in_org(
            "PUT", "/environments/" + id + "/variables/KEY",
            {{"value", "marker-secret"}, {"secret", true}}
        );
        auto operation = deploy(id);
        auto& delivered = agent.known.at(operation).operation;
        CHECK(delivered.secrets.at("credential:" + made.id()) == "marker-token");
        CHECK(delivered.secrets.at("variable:KEY") == "marker-secret");
        CHECK(args(operation).environment.odoo.username == "oauth2");
        CHECK(
            world.in_org("DELETE", "/git-credentials/" + made.id()).code() == "credential_in_use"
        );

        auto copy = world.folder.path() / "copy";
        world.copy_to(copy);
        auto bytes = read_file(copy, 64 << 20).value();
        CHECK(bytes.find("oauth2") != std::string::npos);
        CHECK(bytes.find("marker-token") == std::string::npos);
        CHECK(bytes.find("marker-secret") == std::string::npos);
        for (const auto& event : world.events.take())
            CHECK(event.data.find("marker-") == std::string::npos);
    }

    TEST_CASE_FIXTURE(Fixture, "a credential goes to its own host and kind of address only") {
        auto token =
            world
                .in_org(
                    "POST", "/git-credentials",
                    {{"name", "t"}, {"host", "git.example.com"}, {"kind", "token"}, {"secret", "x"}}
                )
                .id();
        auto with = [&](std::string url) {
            return world.in_org(
                "POST", "/projects",
                {{"name", "p"},
                 {"odoo_version", "19.0"},
                 {"odoo_source", {{"url", url}, {"branch", "19.0"}, {"credential_id", token}}}}
            );
        };
        CHECK(with("https://evil.example.com/odoo").blames("odoo_source.credential_id"));
        CHECK(with("git@git.example.com:odoo").blames("odoo_source.credential_id"));
        CHECK(with("https://git.example.com/odoo").status == 201);
        world.act_for(world.other);
        CHECK(with("https://git.example.com/odoo").blames("odoo_source.credential_id"));
        CHECK(world.in_org("DELETE", "/git-credentials/" + token).status == 404);
        CHECK(world
                  .in_org(
                      "POST", "/git-credentials",
                      {{"name", "k"},
                       {"host", "a.b"},
                       {"kind", "ssh_key"},
                       {"secret", "ssh-ed25519 AAAA"}}
                  )
                  .blames("secret"));
    }

    TEST_CASE_FIXTURE(
        Fixture, "rollback is to a kept release, with its database only where that was kept"
    ) {
        auto id = create(project()).id();
        deploy(id);
        deploy(id);
        auto releases =
            world.in_org("GET", "/environments/" + id + "/releases").json.at("data").as_array();
        auto live = std::string(releases.at(0).at("id").as_string()),
             kept = std::string(releases.at(1).at("id").as_string());
        CHECK(
            post(id, "rollback", {{"release_id", live}, {"database", "keep"}}).code() ==
            "release_is_live"
        );
        CHECK(
            post(id, "rollback", {{"release_id", kept}, {"database", "snapshot"}}).code() ==
            "no_database_snapshot"
        );
        CHECK(post(id, "rollback", {{"release_id", kept}, {"database", "maybe"}}).blames("database")
        );
        auto asked = post(id, "rollback", {{"release_id", kept}, {"database", "keep"}});
        REQUIRE(asked.status == 202);
        run(asked.id(), proto::Outcome::succeeded);
        CHECK(get(id).json.at("current_release").at("id").as_string() == kept);
        CHECK(release_states(id) == std::vector<std::string>{"kept", "live"});
    }

    TEST_CASE_FIXTURE(
        Fixture, "start, stop and restart need something there; status follows them and the link"
    ) {
        auto id = create(project()).id();
        CHECK(post(id, "start").code() == "not_deployed");
        deploy(id);
        run(post(id, "stop").id(), proto::Outcome::succeeded);
        CHECK(get(id).text("status") == "stopped");
        run(post(id, "restart").id(), proto::Outcome::succeeded);
        CHECK(get(id).text("status") == "running");
        proto::FactsMessage facts;
        facts.facts.environments.push_back({"shop", "failed"});
        REQUIRE(world.core->agents.facts(*agent.link, facts, 1));
        CHECK(get(id).text("status") == "failed");
        world.events.take();
        agent.disconnect();
        CHECK(get(id).text("status") == "unknown");
        CHECK(
            world.in_org("GET", "/environments?status=unknown").json.at("data").as_array().size() ==
            1
        );
        auto types = world.events.types();
        CHECK(std::count(types.begin(), types.end(), "environment.updated") == 1);
    }

    TEST_CASE_FIXTURE(
        Fixture, "delete asks for the name, and the rows go when the server says so"
    ) {
        auto in = project();
        auto fresh = create(in).id();
        CHECK(world.in_org("DELETE", "/environments/" + fresh).status == 428);
        CHECK(
            world.in_org(
                     "DELETE", "/environments/" + fresh, nullptr, {{"x-confirm", "Shop"}}
            ).status == 204
        );
        auto id = create(in).id();
        deploy(id);
        CHECK(
            world.in_org("DELETE", "/projects/" + in, nullptr, {{"x-confirm", "Shop"}}).code() ==
            "project_in_use"
        );
        auto asked = world.in_org(
            "DELETE", "/environments/" + id + "?drop_data=true", nullptr, {{"x-confirm", "Shop"}}
        );
        REQUIRE(asked.status == 202);
        CHECK(get(id).text("status") == "deleting");
        run(asked.id(), proto::Outcome::succeeded);
        CHECK(proto::read<proto::EnvironmentArgs>(agent.known.at(asked.id()).operation.args)
                  ->drop_data);
        CHECK(get(id).status == 404);
        CHECK(
            world.one<std::int64_t>("SELECT count(*) FROM environment_port WHERE org_id <> ''") == 0
        );
        CHECK(
            world.in_org("DELETE", "/projects/" + in, nullptr, {{"x-confirm", "Shop"}}).status ==
            204
        );
    }

    TEST_CASE_FIXTURE(
        Fixture, "variables have limits, and names that change the process are refused"
    ) {
        auto id = create(project()).id();
        auto path = "/environments/" + id + "/variables";
        CHECK(world.in_org("PUT", path + "/LD_PRELOAD", {{"value", "x"}}).blames("name"));
        CHECK(world.in_org("PUT", path + "/A", {{"value", "x\ny"}}).blames("value"));
        std::string large(8000, 'x');
        int stored = 0;
        Reply last;
        for (; stored < 210; ++stored) {
            last = world.in_org(
                "PUT", path + "/V" + std::to_string(1000 + stored), {{"value", large}}
            );
            if (last.status != 200) break;
        }
        CHECK(last.code() == "too_many_variables");
        CHECK(stored == 32);
        auto page = world.in_org("GET", path + "?limit=30");
        CHECK(page.text("next_cursor") == "V1029");
        CHECK(
            world.in_org("GET", path + "?limit=30&cursor=V1029")
                .json.at("data")
                .as_array()
                .size() == 2
        );
        CHECK(world.in_org("DELETE", path + "/V1000").status == 204);
        CHECK(world.in_org("DELETE", path + "/V1000").status == 404);
    }

    TEST_CASE_FIXTURE(Fixture, "another organization's projects and environments are not there") {
        auto in = project();
        auto id = create(in).id();
        deploy(id);
        auto release = std::string(get(id).json.at("current_release").at("id").as_string());
        world.act_for(world.other);
        auto path = "/environments/" + id;
        for (const auto* what : {"", "/releases", "/variables"})
            CHECK(world.in_org("GET", path + what).status == 404);
        CHECK(world.in_org("GET", path + "/releases/" + release).status == 404);
        for (const auto* act : {"deploy", "start", "stop", "restart", "preflight"})
            CHECK(post(id, act).status == 404);
        CHECK(post(id, "rollback", {{"release_id", release}, {"database", "keep"}}).status == 404);
        CHECK(world.in_org("PATCH", path, {{"name", "x"}}).status == 404);
        CHECK(world.in_org("DELETE", path, nullptr, {{"x-confirm", "Shop"}}).status == 404);
        CHECK(world.in_org("PUT", path + "/variables/A", {{"value", "x"}}).status == 404);
        CHECK(world.in_org("GET", "/projects/" + in).status == 404);
        CHECK(world.in_org("PATCH", "/projects/" + in, {{"name", "x"}}).status == 404);
        CHECK(create(in).status == 404);
        CHECK(world.in_org("GET", "/environments").json.at("data").as_array().empty());
        CHECK(world.in_org("GET", "/projects").json.at("data").as_array().empty());
    }
}
