#include "fixture.hpp"

using namespace fairlead;
using namespace fairlead::test;

TEST_SUITE("controller/backups/policy") {

    TEST_CASE_FIXTURE(
        BackupWorld, "a policy is stored, told to the server, and true when the server says so"
    ) {
        auto id = storage();
        auto env = live(project());
        auto path = "/environments/" + env + "/backup-policy";
        auto none = world.in_org("GET", path);
        CHECK(none.status == 200);
        CHECK(none.json.at("storage_id").is_null());
        CHECK(none.json.at("in_sync").as_bool());

        auto set = set_policy(env, policy_body(id));
        REQUIRE_MESSAGE(set.status == 200, boost::json::serialize(set.json));
        CHECK(!set.json.at("in_sync").as_bool());
        auto operation = set.text("operation_id");
        const auto& sent = delivered(operation);
        CHECK(sent.kind == "backup.configure");
        CHECK(sent.secrets.contains("storage:" + id));
        auto args = proto::read<proto::BackupConfigureArgs>(sent.args).value();
        REQUIRE(args.settings);
        CHECK(args.slug == slug(env));
        CHECK(args.settings->schedule == "30 2 * * *");
        CHECK(args.settings->time_zone == "Europe/Berlin");
        CHECK(args.settings->retention.daily == 7);
        CHECK(args.settings->retention.yearly == 0);
        run(operation);
        CHECK(world.in_org("GET", path).json.at("in_sync").as_bool());
        CHECK(env_backup(env).at("enabled").as_bool());

        // The server's own word, with when it goes on.
        proto::EnvironmentState state;
        state.id = env;
        state.slug = slug(env);
        state.state = "running";
        state.backup = proto::BackupState{id, recipient, 1900000000000, 1900000001000};
        inventory({state});
        auto now = world.in_org("GET", path);
        CHECK(now.json.at("in_sync").as_bool());
        CHECK(now.json.at("server").at("recipient") == recipient);
        CHECK(str(env_backup(env).at("next_backup_at")) == to_rfc3339(from_ms(1900000000000)));
        CHECK(env_backup(env).at("recipient") == recipient);

        // Another storage there, as after a restore of the controller: it is shown, and left alone.
        auto asked = count("backup.configure");
        state.backup->storage_id = StorageId::make(world.clock.now()).str();
        inventory({state});
        CHECK(!world.in_org("GET", path).json.at("in_sync").as_bool());
        CHECK(count("backup.configure") == asked);
        // What a server says is cut to size.
        state.backup = proto::BackupState{"nonsense", std::string(5000, 'a'), -5, INT64_MAX};
        inventory({state});
        now = world.in_org("GET", path);
        CHECK(now.json.at("server").at("storage_id").is_null());
        CHECK(now.json.at("server").at("next_backup_at").is_null());
        CHECK(now.json.at("server").at("next_drill_at").is_null());
        CHECK(now.json.at("server").at("recipient").as_string().size() < 110);
    }

    TEST_CASE_FIXTURE(BackupWorld, "bad policies are named and leave nothing") {
        auto id = storage();
        auto env = live(project());
        auto bad = set_policy(
            env, policy_body(
                     "nonsense", {{"schedule", "daily"},
                                  {"drill_schedule", "61 * * * *"},
                                  {"time_zone", "Mars"},
                                  {"retention", {{"last", 5000}}}}
                 )
        );
        for (const auto* field :
             {"storage_id", "schedule", "drill_schedule", "time_zone", "retention.last"})
            CHECK_MESSAGE(bad.blames(field), field);
        auto body = policy_body(id);
        body.erase("storage_id");
        CHECK(set_policy(env, body).blames("storage_id"));
        CHECK(set_policy(env, policy_body(StorageId::make(world.clock.now()).str())).status == 404);
        CHECK(count("backup.configure") == 0);
        // Storages of others are none.
        world.act_for(world.other);
        auto theirs = make_storage({{"test_on_server", nullptr}}).id();
        world.act_for(world.org);
        CHECK(set_policy(env, policy_body(theirs)).status == 404);
        CHECK(
            set_policy(EnvironmentId::make(world.clock.now()).str(), policy_body(id)).status == 404
        );
    }

    TEST_CASE_FIXTURE(BackupWorld, "two environments have two policies") {
        auto id = storage();
        auto in = project();
        auto a = live(in, "A"), b = live(in, "B");
        protect(a, id);
        auto set = set_policy(
            b, policy_body(id, {{"schedule", "0 * * * *"}, {"retention", {{"hourly", 24}}}})
        );
        run(set.text("operation_id"));
        CHECK(
            world.in_org("GET", "/environments/" + a + "/backup-policy").text("schedule") ==
            "30 2 * * *"
        );
        CHECK(
            world.in_org("GET", "/environments/" + b + "/backup-policy").text("schedule") ==
            "0 * * * *"
        );
        CHECK(world.in_org("GET", "/storages/" + id).json.at("environments").as_int64() == 2);
    }

    TEST_CASE_FIXTURE(BackupWorld, "before the first deployment a policy waits for it") {
        auto id = storage();
        auto env = environment(project());
        auto set = set_policy(env, policy_body(id));
        CHECK(set.status == 200);
        CHECK(set.json.at("operation_id").is_null());
        CHECK(count("backup.configure") == 0);
        deploy(env);
        CHECK(count("backup.configure") == 1);
        run(newest("backup.configure"));
        CHECK(world.in_org("GET", "/environments/" + env + "/backup-policy")
                  .json.at("in_sync")
                  .as_bool());
        deploy(env);
        CHECK(count("backup.configure") == 1);
    }

    TEST_CASE_FIXTURE(
        BackupWorld, "a full queue does not keep a deployment's end from being taken in"
    ) {
        auto id = storage();
        auto env = environment(project());
        auto path = "/environments/" + env + "/backup-policy";
        REQUIRE(set_policy(env, policy_body(id)).status == 200);
        auto asked = world.in_org("POST", "/environments/" + env + "/deploy");
        REQUIRE(asked.status == 202);
        auto args = proto::read<proto::DeployArgs>(delivered(asked.id()).args).value();
        proto::OperationResult result;
        result.release.emplace();
        result.release->id = args.release.id;
        result.release->number = args.release.number;
        result.release->live = true;
        agent.finish(asked.id(), proto::Outcome::succeeded, result);
        REQUIRE(world.core->store.write([&](store::UnitOfWork& unit) -> Result<> {
            operations::OperationRepo repo(unit.db(), world.org);
            for (std::int64_t i = 0; i < operations::max_queued; ++i) {
                operations::Operation waiting;
                waiting.id = OperationId::make(world.clock.now());
                waiting.server_id = server;
                waiting.kind = "agent.ping";
                waiting.created_ms = world.clock.now();
                waiting.deadline_ms = world.clock.now() + std::chrono::minutes(30);
                FAIRLEAD_CHECK(repo.insert(waiting, "{}"));
            }
            return {};
        }));
        REQUIRE(agent.report());
        CHECK(agent.reports.empty());
        CHECK(world.in_org("GET", "/operations/" + asked.id()).text("state") == "succeeded");
        CHECK(count("backup.configure") == 0);
        auto policy = world.in_org("GET", path);
        CHECK(!policy.json.at("in_sync").as_bool());
        CHECK(policy.json.at("operation_id").is_null());

        // Once there is room again, the next deployment tells it.
        agent.settle();
        deploy(env);
        CHECK(count("backup.configure") == 1);
    }

    TEST_CASE_FIXTURE(BackupWorld, "what waits for an absent server is one operation, the newest") {
        auto id = storage();
        auto env = live(project());
        agent.disconnect();
        for (int i = 0; i < 5; ++i) CHECK(set_policy(env, policy_body(id)).status == 200);
        CHECK(
            world.one<std::int64_t>("SELECT count(*) FROM operation WHERE org_id <> '' AND kind = "
                                    "'backup.configure' AND state = 'queued'") == 1
        );
        auto off = set_policy(env, policy_body("", {{"storage_id", nullptr}}));
        CHECK(off.status == 200);
        auto args =
            proto::read<proto::BackupConfigureArgs>(delivered(off.text("operation_id")).args)
                .value();
        CHECK(!args.settings);
        CHECK(!env_backup(env).at("enabled").as_bool());
    }

    TEST_CASE_FIXTURE(
        BackupWorld, "recovery recipients open what is made from now on, and every server is told"
    ) {
        auto id = storage();
        auto env = live(project());
        protect(env, id);
        auto told = count("backup.configure");
        auto none = world.in_org("GET", "/backup-settings");
        CHECK(none.json.at("recovery_recipients").as_array().empty());
        CHECK(none.json.at("updated_at").is_null());
        object body{{"recovery_recipients", array{{{"name", "Safe"}, {"recipient", recipient}}}}};
        auto set = world.in_org("PUT", "/backup-settings", body);
        REQUIRE_MESSAGE(set.status == 200, boost::json::serialize(set.json));
        CHECK(count("backup.configure") == told + 1);
        auto args =
            proto::read<proto::BackupConfigureArgs>(delivered(newest("backup.configure")).args)
                .value();
        CHECK(args.settings->recipients == std::vector<std::string>{recipient});
        run(newest("backup.configure"));
        CHECK(world.in_org("GET", "/backup-settings").json == set.json);
        // The same again, under another name, is nothing to the servers.
        object renamed{
            {"recovery_recipients", array{{{"name", "Vault"}, {"recipient", recipient}}}}};
        CHECK(world.in_org("PUT", "/backup-settings", renamed).status == 200);
        CHECK(count("backup.configure") == told + 1);
        object bad{
            {"recovery_recipients", array{{{"name", "Safe"}, {"recipient", "age1nonsense"}}}}};
        CHECK(
            world.in_org("PUT", "/backup-settings", bad).blames("recovery_recipients[0].recipient")
        );
        world.act_for(world.other);
        CHECK(world.in_org("GET", "/backup-settings")
                  .json.at("recovery_recipients")
                  .as_array()
                  .empty());
    }

    TEST_CASE_FIXTURE(BackupWorld, "a preview says which of the present backups would stay") {
        auto id = storage();
        auto env = live(project());
        protect(env, id);
        for (int i = 0; i < 3; ++i) {
            world.clock.advance(std::chrono::hours(24));
            backup(env);
            backup(env);
        }
        auto path = "/environments/" + env + "/backup-policy/preview";
        auto shown =
            world.in_org("POST", path, {{"retention", {{"daily", 2}}}, {"time_zone", "UTC"}});
        REQUIRE_MESSAGE(shown.status == 200, boost::json::serialize(shown.json));
        CHECK(shown.json.at("stay").as_int64() == 2);
        CHECK(shown.json.at("go").as_int64() == 4);
        CHECK(shown.json.at("data").as_array().at(0).at("rules") == array{"daily", "newest"});
        CHECK(!shown.json.at("data").as_array().at(1).at("stays").as_bool());
        CHECK(world.in_org("POST", path, {{"retention", object()}}).json.at("go").as_int64() == 0);
        CHECK(world.in_org("POST", path, {{"retention", {{"last", 1001}}}}).blames("retention.last")
        );
        CHECK(world.in_org(
                       "POST", path, {{"retention", object()}, {"time_zone", "X Y"}}
        ).blames("time_zone"));
    }
}
