#include "fixture.hpp"

using namespace fairlead;
using namespace fairlead::test;

TEST_SUITE("controller/pushes/pushes") {

    TEST_CASE_FIXTURE(
        PushWorld, "a push deploys as the API does, and the log says that a hook did"
    ) {
        set_up();
        auto heard = push();
        CHECK(heard.status == 202);
        CHECK(heard.text("outcome") == "queued");
        auto id = heard.text("operation_id");
        auto operation = world.in_org("GET", "/operations/" + id);
        CHECK(operation.text("kind") == "environment.deploy");
        CHECK(operation.text("origin") == "push");
        CHECK(operation.json.at("requested_by").is_null());
        CHECK(
            operation.text("note") ==
            "Push of aaaaaaaaaaaa to 19.0 of odoo/odoo by octocat (as GitHub says)"
        );
        auto args = proto::read<proto::DeployArgs>(delivered(id).args).value();
        CHECK(args.environment.odoo.branch == "19.0");
        CHECK(args.update == proto::UpdateMode::automatic);
        CHECK_FALSE(args.backup_before);
        CHECK(
            world.one<std::string>(
                "SELECT actor_type || ' ' || actor_label || ' ' || address || ' ' || request_id "
                "FROM "
                "audit_entry WHERE action = 'environment.deploy' ORDER BY id DESC LIMIT 1"
            ) == "system push hook 192.0.2.7 req-1"
        );
        auto listed = pushes().at(0);
        CHECK(str(listed.at("operation_id")) == id);
        CHECK(str(listed.at("provider")) == "github");
        CHECK(str(listed.at("branch")) == "19.0");
        CHECK(str(listed.at("commit")) == commit_1);
        CHECK(str(listed.at("pusher")) == "octocat");
        CHECK(str(listed.at("outcome")) == "queued");
        end(id);
        CHECK(env(shop).text("status") == "running");
    }

    TEST_CASE_FIXTURE(PushWorld, "address and secret are shown once, and the secret is sealed") {
        CHECK(settings().json.at("set_up") == false);
        CHECK(settings().json.at("url").is_null());
        CHECK(settings().json.at("sources").as_array().size() == 1);
        CHECK(settings().json.at("sources").at(0).at("counts") == false);
        set_up();
        CHECK(secret.starts_with("whsec_"));
        CHECK(hook.size() == std::string_view("/api/v1/hooks/push/").size() + 38);
        auto shown = settings();
        CHECK(shown.json.at("enabled") == true);
        CHECK(shown.json.at("sources").at(0).at("counts") == true);
        CHECK(boost::json::serialize(shown.json).find(secret) == std::string::npos);
        CHECK(
            world.one<std::int64_t>(
                "SELECT count(*) FROM push_hook h, audit_entry a WHERE instr(h.sealed, $1) > 0 OR "
                "instr(coalesce(a.after_json, ''), $1) > 0",
                secret
            ) == 0
        );
        auto again = world.in_org("POST", path());
        CHECK(again.status == 409);
        CHECK(again.code() == "push_deploy_exists");
        auto actions = world.audited();
        CHECK(actions.back() == "push_deploy.create ok");
        CHECK(edit({{"enabled", false}}).status == 200);
        CHECK(world.in_org("POST", path() + "/rotate").status == 200);
        CHECK(world.in_org("DELETE", path()).status == 204);
        actions = world.audited();
        REQUIRE(actions.size() > 3);
        CHECK(
            std::vector<std::string>(actions.end() - 3, actions.end()) ==
            std::vector<std::string>{
                "push_deploy.edit ok", "push_deploy.rotate ok", "push_deploy.delete ok"}
        );
        for (auto method : {"PATCH", "DELETE"})
            CHECK(world.in_org(method, path(), object{}).status == 404);
        CHECK(world.in_org("POST", path() + "/rotate").status == 404);
    }

    TEST_CASE_FIXTURE(PushWorld, "whoever lets pushes deploy must be allowed to deploy") {
        hold_only({"deployments.push"});
        auto refused = world.in_org("POST", path());
        CHECK(refused.status == 403);
        CHECK(refused.text("permission") == "deployments.create");
        hold_only({"deployments.push", "deployments.create"});
        set_up();
        hold_only({"deployments.push"});
        CHECK(edit({{"enabled", true}}).status == 403);
        // What takes it away needs no more.
        CHECK(world.in_org("POST", path() + "/rotate").status == 200);
        CHECK(world.in_org("DELETE", path()).status == 204);
    }

    TEST_CASE_FIXTURE(PushWorld, "settings of wrong kinds are refused by their names") {
        struct Row {
            object body;
            std::string_view field;
        };
        const Row rows[] = {
            {{{"enabled", 1}}, "enabled"},
            {{{"backup_first", "yes"}}, "backup_first"},
            {{{"repositories", array()}}, "repositories"},
            {{{"repositories", "odoo"}}, "repositories"},
            {{{"repositories", array(52, "odoo")}}, "repositories"},
            {{{"repositories", array{"odoo", "nothing"}}}, "repositories[1]"},
            {{{"branch", "main"}}, "branch"},
        };
        for (const auto& row : rows) {
            CAPTURE(row.field);
            CHECK(world.in_org("POST", path(), row.body).blames(row.field));
        }
        set_up();
        for (const auto& row : rows) CHECK(edit(row.body).blames(row.field));
        CHECK(world.in_org("PATCH", path()).status == 400);
        for (std::int64_t wrong : {-1, 86401}) {
            auto refused = world.in_org("POST", path() + "/rotate", {{"keep_old_s", wrong}});
            CHECK(refused.blames("keep_old_s"));
        }
    }

    TEST_CASE_FIXTURE(PushWorld, "only the chosen repositories count") {
        REQUIRE(
            world
                .in_org(
                    "PATCH", "/projects/" + in,
                    {{"addons",
                      {{{"name", "shop"},
                        {"url", "git@git.example.com:acme/shop.git"},
                        {"branch", "main"}}}}}
                )
                .status == 200
        );
        set_up({{"repositories", array{"shop"}}});
        CHECK(push(fresh()).text("reason") == "other_repository");
        CHECK(str(settings().json.at("repositories").at(0)) == "shop");
        CHECK(edit({{"enabled", true}}).json.at("repositories").is_array());
        CHECK(edit({{"repositories", nullptr}}).json.at("repositories").is_null());
        CHECK(push(fresh()).text("outcome") == "queued");
    }

    TEST_CASE_FIXTURE(PushWorld, "a secret that was rotated counts as long as was asked for") {
        set_up();
        auto old = secret;
        auto with = [&](const std::string& key) {
            return send(
                       boost::json::serialize(fresh("refs/tags/v1")),
                       "d" + std::to_string(deliveries), "push", key
            )
                .status;
        };
        take(world.in_org("POST", path() + "/rotate", {{"keep_old_s", 600}}), 200);
        CHECK(settings().json.at("old_secret_until").is_string());
        CHECK(with(old) == 202);
        CHECK(with(secret) == 202);
        world.clock.advance(std::chrono::seconds(600));
        CHECK(with(old) == 401);
        CHECK(with(secret) == 202);
        CHECK(settings().json.at("old_secret_until").is_null());
        auto second = secret;
        take(world.in_org("POST", path() + "/rotate", {{"keep_old_s", 0}}), 200);
        CHECK(with(second) == 401);
        CHECK(with(old) == 401);
        CHECK(with(secret) == 202);
        auto refused = settings().json.at("refused");
        CHECK(refused.at("count") == 2);
        CHECK(refused.at("last_at").is_string());
        world.restart();
        CHECK(with(secret) == 202);
    }

    TEST_CASE_FIXTURE(PushWorld, "while an operation is under way the newest push waits, alone") {
        set_up();
        auto first = push(fresh()).text("operation_id");
        delivered(first);
        auto second = push(fresh("refs/heads/19.0", commit_2));
        CHECK(second.status == 202);
        CHECK(second.text("outcome") == "waiting");
        CHECK_FALSE(second.json.as_object().contains("operation_id"));
        CHECK(push(fresh()).text("outcome") == "waiting");
        auto last = push(fresh("refs/heads/19.0", commit_2));
        CHECK(last.text("outcome") == "waiting");
        // What does not deploy takes nobody's place.
        CHECK(push(fresh("refs/heads/other")).text("reason") == "other_branch");
        CHECK(str(settings().json.at("waiting")) == str(pushes().at(1).at("id")));
        CHECK(count("environment.deploy") == 2); // the first of all, and this one
        end(first);
        CHECK(count("environment.deploy") == 3);
        CHECK(settings().json.at("waiting").is_null());
        auto list = pushes();
        CHECK(str(list.at(1).at("outcome")) == "queued");
        CHECK(str(list.at(2).at("outcome")) == "replaced");
        CHECK(str(list.at(2).at("reason")) == "newer_push");
        CHECK(str(list.at(3).at("outcome")) == "replaced");
        CHECK(str(list.at(4).at("outcome")) == "queued");
        auto id = str(list.at(1).at("operation_id"));
        CHECK(id == newest("environment.deploy"));
        CHECK(
            world.in_org("GET", "/operations/" + id).text("note").find("bbbbbbbbbbbb") !=
            std::string::npos
        );
        end(id);
        CHECK(count("environment.deploy") == 3);
        CHECK(env(shop).text("status") == "running");
    }

    TEST_CASE_FIXTURE(PushWorld, "whatever ends the operation, what waits is deployed then") {
        set_up();
        for (auto outcome : {proto::Outcome::failed, proto::Outcome::cancelled}) {
            auto under_way = ask("restart");
            delivered(under_way);
            CHECK(push(fresh()).text("outcome") == "waiting");
            end(under_way, outcome);
            CHECK(newest_push("outcome") == "queued");
            end(newest_push("operation_id"));
        }
        // Never delivered, and cancelled here.
        agent.disconnect();
        auto queued = ask("restart");
        CHECK(push(fresh()).text("outcome") == "waiting");
        CHECK(world.in_org("POST", "/operations/" + queued + "/cancel").status == 202);
        CHECK(newest_push("outcome") == "queued");
    }

    TEST_CASE_FIXTURE(PushWorld, "what was left waiting by a failure is found again") {
        set_up();
        auto under_way = ask("restart");
        delivered(under_way);
        CHECK(push(fresh()).text("outcome") == "waiting");
        REQUIRE(world.core->pushes.tick());
        CHECK(newest_push("outcome") == "waiting");
        auto waiting = world.one<std::string>("SELECT waiting FROM push_hook");
        auto set = [&](std::optional<std::string> to) {
            REQUIRE(world.core->store.write([&](store::UnitOfWork& unit) {
                return unit.db().run("UPDATE push_hook SET waiting = $1", to);
            }));
        };
        set(std::nullopt);
        end(under_way);
        set(waiting);
        world.restart();
        REQUIRE(world.core->pushes.tick());
        CHECK(newest_push("outcome") == "queued");
        CHECK(settings().json.at("waiting").is_null());
    }

    TEST_CASE_FIXTURE(
        PushWorld, "an environment that cannot be deployed says why, and may be asked again"
    ) {
        set_up();
        auto refused = [&](const Reply& heard, std::string_view reason) {
            CHECK(heard.status == 202);
            CHECK(heard.text("outcome") == "refused");
            CHECK(heard.text("reason") == reason);
            CHECK(newest_push("reason") == reason);
        };
        CHECK(edit({{"enabled", false}}).status == 200);
        refused(push(fresh()), "switched_off");
        CHECK(edit({{"enabled", true}, {"backup_first", true}}).status == 200);
        auto body = fresh();
        refused(push(body, "again"), "no_storage");
        CHECK(edit({{"backup_first", false}}).status == 200);
        end(ask("stop"));
        refused(push(body, "again"), "environment_stopped");
        end(ask("start"));
        CHECK(push(body, "again").text("outcome") == "queued");
        CHECK(push(body, "again").text("outcome") == "seen_before");
        end(newest_push("operation_id"));

        // Stopped while it waits.
        auto stop = ask("stop");
        delivered(stop);
        CHECK(push(fresh()).text("outcome") == "waiting");
        end(stop);
        CHECK(newest_push("outcome") == "refused");
        CHECK(newest_push("reason") == "environment_stopped");
        end(ask("start"));

        // Switched off while it waits.
        auto restart = ask("restart");
        delivered(restart);
        CHECK(push(fresh()).text("outcome") == "waiting");
        CHECK(edit({{"enabled", false}}).json.at("waiting").is_null());
        CHECK(newest_push("reason") == "switched_off");
        auto before = count("environment.deploy");
        end(restart);
        CHECK(count("environment.deploy") == before);
        CHECK(edit({{"enabled", true}}).status == 200);

        restart = ask("restart");
        delivered(restart);
        CHECK(push(fresh()).text("outcome") == "waiting");
        REQUIRE(
            world
                .in_org(
                    "POST", "/servers/" + server.str() + "/revoke", {},
                    {{"x-confirm", "odoo-fra-1"}}
                )
                .status == 200
        );
        refused(push(fresh()), "server_revoked");
    }

    TEST_CASE_FIXTURE(PushWorld, "a backup goes before a deployment where that was chosen") {
        protect(shop, storage());
        set_up({{"backup_first", true}});
        auto heard = push();
        CHECK(heard.text("outcome") == "queued");
        const auto& sent = delivered(heard.text("operation_id"));
        CHECK(proto::read<proto::DeployArgs>(sent.args).value().backup_before);
        // The server gets the storage's keys for it, as for one that a person asked for.
        CHECK_FALSE(sent.secrets.empty());
    }

    TEST_CASE_FIXTURE(PushWorld, "an environment takes its hook along when it goes") {
        set_up();
        auto was = hook;
        push(fresh("refs/tags/v1"));
        auto asked =
            world.in_org("DELETE", "/environments/" + shop, nullptr, {{"x-confirm", "Shop"}});
        REQUIRE_MESSAGE(asked.status == 202, boost::json::serialize(asked.json));
        delivered(asked.id());
        auto heard = push(fresh());
        CHECK(heard.text("reason") == "environment_deleting");
        end(asked.id());
        CHECK(push(fresh()).status == 401);
        for (auto left :
             {world.one<std::int64_t>("SELECT count(*) FROM push_hook"),
              world.one<std::int64_t>("SELECT count(*) FROM push"),
              world.one<std::int64_t>("SELECT count(*) FROM push_delivery")})
            CHECK(left == 0);
        // One that never was on a server goes at once.
        shop = environment(in, "Other");
        set_up();
        REQUIRE(
            world.in_org(
                     "DELETE", "/environments/" + shop, nullptr, {{"x-confirm", "Other"}}
            ).status == 204
        );
        CHECK(world.one<std::int64_t>("SELECT count(*) FROM push_hook") == 0);
    }

    TEST_CASE_FIXTURE(PushWorld, "a new master key and a deleted organization reach the secrets") {
        set_up();
        REQUIRE(world.in_org("POST", path() + "/rotate").status == 200);
        int seen = 0;
        auto count_them = [&](std::string_view,
                              std::string_view context) -> Result<std::optional<std::string>> {
            CHECK(context == "push_hook/" + shop);
            ++seen;
            return std::optional<std::string>();
        };
        REQUIRE(world.core->store.write([&](store::UnitOfWork& unit) {
            return pushes::visit_sealed(unit.db(), count_them);
        }));
        CHECK(seen == 2);
        REQUIRE(world.core->store.write([&](store::UnitOfWork& unit) {
            return pushes::erase(unit.db(), world.other);
        }));
        CHECK(world.one<std::int64_t>("SELECT count(*) FROM push_hook") == 1);
        REQUIRE(world.core->store.write([&](store::UnitOfWork& unit) {
            return pushes::erase(unit.db(), world.org);
        }));
        CHECK(world.one<std::int64_t>("SELECT count(*) FROM push_hook") == 0);
    }

    TEST_CASE_FIXTURE(PushWorld, "another organization sees no hook, no push and no event") {
        set_up();
        push(fresh());
        auto environment = shop;
        world.act_for(world.other);
        hold_only({"deployments.create", "deployments.push"});
        CHECK(world.in_org("GET", path()).status == 404);
        CHECK(world.in_org("POST", path()).status == 404);
        CHECK(edit({{"enabled", false}}).status == 404);
        CHECK(world.in_org("POST", path() + "/rotate").status == 404);
        CHECK(world.in_org("DELETE", path()).status == 404);
        CHECK(world.in_org("GET", "/environments/" + environment + "/pushes").status == 404);
        int events = 0;
        for (const auto& event : world.events.take()) {
            if (event.type != "push.updated" && event.type != "push_deploy.updated") continue;
            ++events;
            CHECK(event.org == world.org.org());
            CHECK(event.permission == "environments.view");
            CHECK(event.project == in);
        }
        CHECK(events == 2);
    }
}
