#include "fixture.hpp"

using namespace fairlead;
using namespace fairlead::test;

namespace {

struct Fixture : BackupWorld {
    std::string bucket = storage();
    std::string in = project();
    std::string shop = live(in, "Shop", "staging");
    Fixture() { protect(shop, bucket); }

    Reply restore(
        const std::string& backup, object body,
        std::vector<std::pair<std::string, std::string>> headers = {}
    ) {
        return world.in_org(
            "POST", "/backups/" + backup + "/restore", std::move(body), std::move(headers)
        );
    }
    Reply clone(
        const std::string& from, object body,
        std::vector<std::pair<std::string, std::string>> headers = {}
    ) {
        return world.in_org(
            "POST", "/environments/" + from + "/clone", std::move(body), std::move(headers)
        );
    }
    void switch_copying_off() {
        REQUIRE(world.core->store.write([&](store::UnitOfWork& unit) {
            return unit.db().run(
                "INSERT INTO org_setting (org_id, clone_enabled) VALUES ($1, 0)", world.org.org()
            );
        }));
    }
    std::string audit_of(const std::string& action) {
        return world.one<std::string>(
            "SELECT after_json FROM audit_entry WHERE org_id <> '' AND action = $1 ORDER BY id "
            "DESC LIMIT 1",
            action
        );
    }
};

} // namespace

TEST_SUITE("controller/backups/acts") {

    TEST_CASE_FIXTURE(Fixture, "a backup is listed from the moment it is asked for") {
        auto asked = world.in_org(
            "POST", "/environments/" + shop + "/backups", {{"note", "before the fair"}}
        );
        REQUIRE(asked.status == 202);
        CHECK(asked.text("kind") == "backup.create");
        const auto& sent = delivered(asked.id());
        auto args = proto::read<proto::BackupArgs>(sent.args).value();
        CHECK(args.kind == proto::BackupKind::manual);
        CHECK(args.settings.storage.id == bucket);
        CHECK(sent.secrets.contains("storage:" + bucket));
        CHECK(state(args.backup_id) == "running");
        CHECK(
            world.in_org("POST", "/environments/" + shop + "/backups").code() ==
            "operation_in_progress"
        );
        auto list = world.in_org("GET", "/environments/" + shop + "/backups?state=running");
        CHECK(list.json.at("data").as_array().size() == 1);
        proto::OperationResult result;
        result.backup = info(args.backup_id);
        run(asked.id(), proto::Outcome::succeeded, result);
        auto done = get_backup(args.backup_id);
        CHECK(done.text("state") == "succeeded");
        CHECK(done.json.at("files").as_int64() == 7);
        CHECK(done.json.at("recipients") == array{recipient});
        CHECK(done.json.at("environment").at("name") == "Shop");
        CHECK(!env_backup(shop).at("last_backup_at").is_null());
        CHECK(env_backup(shop).at("last_restored_at").is_null());
        auto operation = world.in_org("GET", "/operations/" + asked.id());
        CHECK(str(operation.json.at("result").at("backup_id")) == args.backup_id);
        CHECK(operation.text("origin") == "controller");
    }

    TEST_CASE_FIXTURE(Fixture, "what has no storage or no server makes no backup") {
        auto bare = live(in, "Bare");
        CHECK(world.in_org("POST", "/environments/" + bare + "/backups").code() == "no_storage");
        auto fresh = environment(in, "Fresh");
        CHECK(set_policy(fresh, policy_body(bucket)).status == 200);
        CHECK(world.in_org("POST", "/environments/" + fresh + "/backups").code() == "not_deployed");
        CHECK(world.in_org("POST", "/environments/" + fresh + "/drill").code() == "not_deployed");
        CHECK(world.in_org("POST", "/environments/" + bare + "/drill").code() == "no_backup");
        auto none = EnvironmentId::make(world.clock.now()).str();
        CHECK(world.in_org("POST", "/environments/" + none + "/backups").status == 404);
        CHECK(count("backup.create") == 0);
    }

    TEST_CASE_FIXTURE(
        Fixture,
        "a restore into its own environment keeps its data's nature, with a safety backup first"
    ) {
        auto bak = backup(shop);
        auto asked = restore(bak, {{"environment_id", shop}, {"parts", "database"}});
        REQUIRE_MESSAGE(asked.status == 202, boost::json::serialize(asked.json));
        const auto& sent = delivered(asked.id());
        auto args = proto::read<proto::RestoreArgs>(sent.args).value();
        CHECK(args.backup.id == bak);
        CHECK(args.backup.slug == slug(shop));
        CHECK(args.parts == proto::RestoreParts::database);
        CHECK(!args.neutralise);
        REQUIRE(args.safety);
        CHECK(args.safety->kind == proto::BackupKind::pre_restore);
        CHECK(state(args.safety->backup_id) == "running");
        proto::OperationResult result;
        result.backup = info(args.safety->backup_id);
        run(asked.id(), proto::Outcome::succeeded, result);
        CHECK(state(args.safety->backup_id) == "succeeded");
        CHECK(!get_backup(bak).json.at("last_restored_at").is_null());
        CHECK(!env_backup(shop).at("last_restored_at").is_null());
        auto without = restore(bak, {{"environment_id", shop}, {"safety_backup", false}});
        auto plain = proto::read<proto::RestoreArgs>(delivered(without.id()).args).value();
        CHECK(!plain.safety);
    }

    TEST_CASE_FIXTURE(
        Fixture,
        "a restore into another environment is a neutralised copy, told with source and target"
    ) {
        auto bak = backup(shop);
        auto test = live(in, "Test");
        auto asked = restore(bak, {{"environment_id", test}});
        REQUIRE_MESSAGE(asked.status == 202, boost::json::serialize(asked.json));
        auto args = proto::read<proto::RestoreArgs>(delivered(asked.id()).args).value();
        CHECK(args.environment_id == test);
        CHECK(args.backup.environment_id == shop);
        CHECK(args.neutralise);
        // Its own policy has no storage: the backup's takes the safety backup.
        CHECK(args.safety->settings.storage.id == bucket);
        auto told = audit_of("backup.restore");
        CHECK(told.find(shop) != std::string::npos);
        CHECK(told.find(test) != std::string::npos);
        CHECK(told.find(bak) != std::string::npos);
    }

    TEST_CASE_FIXTURE(Fixture, "production is replaced by who may, with its name typed back") {
        auto bak = backup(shop);
        auto production = live(in, "Live", "production");
        object body{{"environment_id", production}};
        auto refused = restore(bak, body, {{"x-confirm", "Live"}});
        CHECK(refused.status == 403);
        CHECK(refused.text("permission") == "restores.production");
        CHECK(
            clone(
                shop, {{"target_environment_id", production}}, {{"x-confirm", "Live"}}
            ).text("permission") == "restores.production"
        );
        hold("restores.production");
        CHECK(restore(bak, body).code() == "confirmation_required");
        CHECK(restore(bak, body, {{"x-confirm", "Shop"}}).code() == "confirmation_mismatch");
        CHECK(
            clone(shop, {{"target_environment_id", production}}).code() == "confirmation_required"
        );
        CHECK(count("backup.restore") == 0);
        CHECK(restore(bak, body, {{"x-confirm", "Live"}}).status == 202);
    }

    TEST_CASE_FIXTURE(
        Fixture, "production leaves production as it is only with the target's name typed back"
    ) {
        auto production = live(in, "Live", "production");
        protect(production, bucket);
        auto bak = backup(production);
        auto test = live(in, "Test");
        CHECK(
            restore(bak, {{"environment_id", test}, {"neutralise", false}}).code() ==
            "confirmation_required"
        );
        CHECK(
            clone(
                production,
                {{"target_environment_id", test}, {"neutralise", false}, {"safety_backup", false}}
            ).code() == "confirmation_required"
        );
        CHECK(
            clone(production, {{"target_environment_id", test}, {"safety_backup", false}}).status ==
            202
        );
        run(newest("environment.clone"));
        auto asked = restore(
            bak, {{"environment_id", test}, {"neutralise", false}}, {{"x-confirm", "Test"}}
        );
        REQUIRE(asked.status == 202);
        CHECK(!proto::read<proto::RestoreArgs>(delivered(asked.id()).args)->neutralise);
        // Also when it is gone: what it was is kept.
        run(asked.id());
        REQUIRE(
            world.in_org(
                     "DELETE", "/environments/" + production, nullptr, {{"x-confirm", "Live"}}
            ).status == 202
        );
        run(newest("environment.delete"));
        CHECK(!get_backup(bak).json.at("environment").at("exists").as_bool());
        CHECK(
            restore(bak, {{"environment_id", test}, {"neutralise", false}}).code() ==
            "confirmation_required"
        );
    }

    TEST_CASE_FIXTURE(
        Fixture, "the organization's switch is over every copy, and over nothing else"
    ) {
        auto bak = backup(shop);
        auto test = live(in, "Test");
        switch_copying_off();
        for (bool neutralise : {true, false}) {
            auto copied = restore(bak, {{"environment_id", test}, {"neutralise", neutralise}});
            CHECK(copied.status == 403);
            CHECK(copied.code() == "clone_disabled");
            auto cloned =
                clone(shop, {{"target_environment_id", test}, {"neutralise", neutralise}});
            CHECK(cloned.status == 403);
            CHECK(cloned.code() == "clone_disabled");
        }
        // Whatever the target is, so that nothing else has to be right first.
        CHECK(clone(shop, {{"target_environment_id", shop}}).code() == "clone_disabled");
        CHECK(restore(bak, {{"environment_id", shop}}).status == 202);
        CHECK(count("environment.clone") == 0);
    }

    TEST_CASE_FIXTURE(
        Fixture,
        "what is to be masked goes with a copy, and to no agent that would leave it as it is"
    ) {
        using enum proto::PersonalData;
        using Masks = std::vector<proto::PersonalData>;
        auto bak = backup(shop), test = live(in, "Test");
        auto into_test = [&](boost::json::value mask, const char* parts = "both") {
            return object{{"environment_id", test}, {"mask", std::move(mask)}, {"parts", parts}};
        };
        using boost::json::array;
        auto copied = restore(bak, into_test(array{"documents", "contacts", "documents"}));
        REQUIRE(copied.status == 202);
        auto args = proto::read<proto::RestoreArgs>(delivered(copied.id()).args).value();
        CHECK(args.mask == Masks{contacts, documents});
        CHECK(
            audit_of("backup.restore").find(R"("mask":["contacts","documents"])") !=
            std::string::npos
        );
        run(copied.id(), proto::Outcome::cancelled);
        auto cloned = clone(
            shop,
            {{"target_environment_id", test}, {"safety_backup", false}, {"mask", {"messages"}}}
        );
        REQUIRE(cloned.status == 202);
        auto asked = proto::read<proto::CloneArgs>(delivered(cloned.id()).args).value();
        CHECK(asked.mask == Masks{messages});
        run(cloned.id(), proto::Outcome::cancelled);

        CHECK(
            restore(bak, into_test(array{"messages"}, "filestore")).code() == "validation_failed"
        );
        CHECK(restore(bak, into_test(array{"everything"})).status == 400);
        REQUIRE(world.core->store.write([&](store::UnitOfWork& unit) {
            return unit.db().run(
                "UPDATE server SET capability = 13 WHERE org_id = $1", world.org.org()
            );
        }));
        CHECK(restore(bak, into_test(array{"messages"})).code() == "agent_too_old");
        CHECK(
            clone(
                shop,
                {{"target_environment_id", test}, {"safety_backup", false}, {"mask", {"messages"}}}
            ).code() == "agent_too_old"
        );
        CHECK(restore(bak, into_test(array{})).status == 202);
    }

    TEST_CASE_FIXTURE(Fixture, "what was never deployed, or is itself, is no target") {
        auto bak = backup(shop);
        auto far = environment(in, "Far", "staging", world.add_server("odoo-fra-2"));
        auto fresh = environment(in, "Fresh");
        for (const auto& target : {far, fresh}) {
            CHECK(restore(bak, {{"environment_id", target}}).code() == "not_deployed");
            CHECK(clone(shop, {{"target_environment_id", target}}).code() == "not_deployed");
        }
        CHECK(clone(shop, {{"target_environment_id", shop}}).code() == "same_environment");
        auto test = live(in, "Test");
        CHECK(clone(shop, {{"target_environment_id", test}}).code() == "no_storage");
        // One of the two, and not both.
        CHECK(restore(bak, object{}).blames("environment_id"));
        object both{
            {"environment_id", shop},
            {"new_environment", {{"name", "New"}, {"server_id", server.str()}}}};
        CHECK(restore(bak, both).blames("environment_id"));
    }

    TEST_CASE_FIXTURE(
        Fixture, "a clone names both, and begins with a safety backup of the target"
    ) {
        auto test = live(in, "Test");
        protect(test, bucket);
        auto asked = clone(shop, {{"target_environment_id", test}, {"note", "for the demo"}});
        REQUIRE_MESSAGE(asked.status == 202, boost::json::serialize(asked.json));
        const auto& sent = delivered(asked.id());
        auto args = proto::read<proto::CloneArgs>(sent.args).value();
        CHECK(args.environment_id == test);
        CHECK(args.source_environment_id == shop);
        CHECK(args.source_slug == slug(shop));
        CHECK(args.neutralise);
        CHECK(args.safety->environment_id == test);
        CHECK(sent.secrets.contains("storage:" + bucket));
        auto told = audit_of("environment.clone");
        CHECK(told.find(shop) != std::string::npos);
        CHECK(told.find(test) != std::string::npos);
        CHECK(state(args.safety->backup_id) == "running");
    }

    TEST_CASE_FIXTURE(Fixture, "what is not whole is neither restored nor tried out") {
        auto asked = world.in_org("POST", "/environments/" + shop + "/backups");
        auto args = proto::read<proto::BackupArgs>(delivered(asked.id()).args).value();
        CHECK(restore(args.backup_id, {{"environment_id", shop}}).code() == "backup_not_whole");
        CHECK(
            world
                .in_org(
                    "DELETE", "/backups/" + args.backup_id, nullptr, {{"x-confirm", args.backup_id}}
                )
                .code() == "backup_running"
        );
        run(asked.id(), proto::Outcome::failed, {}, "bucket_refused");
        CHECK(restore(args.backup_id, {{"environment_id", shop}}).code() == "backup_not_whole");
        CHECK(
            world.in_org("POST", "/backups/" + args.backup_id + "/drill").code() ==
            "backup_not_whole"
        );
        // A failed one left nothing in the bucket: only its entry goes.
        CHECK(
            world
                .in_org(
                    "DELETE", "/backups/" + args.backup_id, nullptr, {{"x-confirm", args.backup_id}}
                )
                .status == 204
        );
        CHECK(get_backup(args.backup_id).status == 404);
    }

    TEST_CASE_FIXTURE(
        Fixture, "the keys of a storage go where somebody chose it, not where a server says it is"
    ) {
        auto bak = backup(shop);
        auto other = storage({{"name", "Other"}});
        auto says = [&](const std::string& storage) {
            REQUIRE(world.core->store.write([&](store::UnitOfWork& unit) {
                return unit.db().run(
                    "UPDATE backup SET storage_id = $2 WHERE id = $1 AND org_id <> ''", bak, storage
                );
            }));
        };
        says(other);
        auto refused = world.in_org("POST", "/backups/" + bak + "/drill");
        CHECK(refused.status == 409);
        CHECK(refused.code() == "storage_not_chosen");
        CHECK(refused.text("detail").find("\"Other\"") != std::string::npos);
        CHECK(refused.text("detail").find("backup policy") != std::string::npos);
        CHECK(
            world.in_org("DELETE", "/backups/" + bak, nullptr, {{"x-confirm", bak}}).code() ==
            "storage_not_chosen"
        );
        CHECK(count("backup.drill") == 0);
        CHECK(count("backup.delete") == 0);

        // The cure; what was chosen once stays so, for the backups that are there.
        protect(shop, other);
        CHECK(world.in_org("POST", "/backups/" + bak + "/drill").status == 202);
        says(bucket);
        CHECK(world.in_org("POST", "/backups/" + bak + "/drill").status == 202);
    }

    TEST_CASE_FIXTURE(
        Fixture, "data come out of a storage only where the organization's list of sources has it"
    ) {
        auto bak = backup(shop);
        auto test = live(in, "Test");
        allow(R"(["git.example.com"])");
        auto refused = [](const Reply& reply) {
            CHECK(reply.status == 409);
            CHECK(reply.code() == "source_not_listed");
            CHECK(reply.text("detail").find("minio.example.org,") != std::string::npos);
        };
        for (const auto& target : {shop, test}) refused(restore(bak, {{"environment_id", target}}));
        refused(world.in_org("POST", "/backups/" + bak + "/drill"));
        refused(world.in_org("POST", "/environments/" + shop + "/drill"));
        // What stays on its server comes from nowhere; backups are made and removed as before.
        auto goes = [&](const Reply& reply) {
            REQUIRE_MESSAGE(reply.status == 202, boost::json::serialize(reply.json));
            run(reply.id());
        };
        goes(clone(shop, {{"target_environment_id", test}, {"safety_backup", false}}));
        backup(shop);
        goes(world.in_org("DELETE", "/backups/" + bak, nullptr, {{"x-confirm", bak}}));
        allow(R"(["git.example.com","minio.example.org"])");
        CHECK(restore(backup(shop), {{"environment_id", shop}}).status == 202);
    }

    TEST_CASE_FIXTURE(Fixture, "a backup is removed by its id, also when its environment is gone") {
        auto bak = backup(shop), other = backup(shop);
        auto path = "/backups/" + bak;
        CHECK(world.in_org("DELETE", path).code() == "confirmation_required");
        CHECK(
            world.in_org("DELETE", path, nullptr, {{"x-confirm", other}}).code() ==
            "confirmation_mismatch"
        );
        auto asked = world.in_org("DELETE", path, nullptr, {{"x-confirm", bak}});
        REQUIRE(asked.status == 202);
        auto args = proto::read<proto::BackupDeleteArgs>(delivered(asked.id()).args).value();
        CHECK(args.backup.id == bak);
        CHECK(args.backup.storage.id == bucket);
        CHECK(state(bak) == "succeeded");
        run(asked.id());
        CHECK(state(bak) == "removed");
        CHECK(env_backup(shop).at("last_backup_at") == get_backup(other).json.at("finished_at"));

        REQUIRE(
            world.in_org(
                     "DELETE", "/environments/" + shop, nullptr, {{"x-confirm", "Shop"}}
            ).status == 202
        );
        run(newest("environment.delete"));
        CHECK(env(shop).status == 404);
        CHECK(!get_backup(other).json.at("environment").at("exists").as_bool());
        CHECK(world.in_org("POST", "/backups/" + other + "/drill").code() == "environment_gone");
        auto last = world.in_org("DELETE", "/backups/" + other, nullptr, {{"x-confirm", other}});
        REQUIRE(last.status == 202);
        CHECK(last.json.at("target").at("type") == "server");
        run(last.id());
        CHECK(state(other) == "removed");
    }

    TEST_CASE_FIXTURE(
        Fixture, "an environment goes with its data after a last backup, unless that is declined"
    ) {
        auto path = "/environments/" + shop;
        auto asked =
            world.in_org("DELETE", path + "?drop_data=true", nullptr, {{"x-confirm", "Shop"}});
        REQUIRE(asked.status == 202);
        const auto& sent = delivered(asked.id());
        auto args = proto::read<proto::EnvironmentArgs>(sent.args).value();
        REQUIRE(args.last_backup);
        CHECK(args.last_backup->kind == proto::BackupKind::pre_delete);
        CHECK(sent.secrets.contains("storage:" + bucket));
        auto last = args.last_backup->backup_id;
        // The backup failed, so nothing went.
        run(asked.id(), proto::Outcome::failed, {}, "bucket_refused");
        CHECK(state(last) == "failed");
        CHECK(env(shop).status == 200);

        asked = world.in_org("DELETE", path + "?drop_data=true", nullptr, {{"x-confirm", "Shop"}});
        args = proto::read<proto::EnvironmentArgs>(delivered(asked.id()).args).value();
        last = args.last_backup->backup_id;
        proto::OperationResult result;
        result.backup = info(last);
        run(asked.id(), proto::Outcome::succeeded, result);
        CHECK(env(shop).status == 404);
        CHECK(state(last) == "succeeded");
        CHECK(get_backup(last).json.at("environment").at("name") == "Shop");
        CHECK(
            world.one<std::int64_t>("SELECT count(*) FROM backup_policy WHERE org_id <> ''") == 0
        );
    }

    TEST_CASE_FIXTURE(
        Fixture,
        "no last backup where it is declined, where data stay, and where there is no policy"
    ) {
        auto asked = [&](const std::string& id, const std::string& query, const std::string& name) {
            auto reply = world.in_org(
                "DELETE", "/environments/" + id + query, nullptr, {{"x-confirm", name}}
            );
            REQUIRE(reply.status == 202);
            auto args = proto::read<proto::EnvironmentArgs>(delivered(reply.id()).args).value();
            run(reply.id(), proto::Outcome::failed, {}, "refused");
            return args;
        };
        CHECK(!asked(shop, "?drop_data=true&skip_backup=true", "Shop").last_backup);
        CHECK(!asked(shop, "", "Shop").last_backup);
        auto bare = live(in, "Bare");
        auto args = asked(bare, "?drop_data=true", "Bare");
        CHECK(!args.last_backup);
        CHECK(args.drop_data);
    }

    TEST_CASE_FIXTURE(Fixture, "a deployment begins with a backup where it is asked to") {
        auto asked =
            world.in_org("POST", "/environments/" + shop + "/deploy", {{"backup_first", true}});
        REQUIRE_MESSAGE(asked.status == 202, boost::json::serialize(asked.json));
        const auto& sent = delivered(asked.id());
        auto args = proto::read<proto::DeployArgs>(sent.args).value();
        REQUIRE(args.backup_before);
        CHECK(args.backup_before->kind == proto::BackupKind::pre_deploy);
        CHECK(sent.secrets.contains("storage:" + bucket));
        // The deployment failed behind a backup that is whole.
        proto::OperationResult result;
        result.backup = info(args.backup_before->backup_id);
        run(asked.id(), proto::Outcome::failed, result, "migration_failed");
        CHECK(state(args.backup_before->backup_id) == "succeeded");

        auto bare = live(in, "Bare");
        CHECK(
            world.in_org(
                     "POST", "/environments/" + bare + "/deploy", {{"backup_first", true}}
            ).code() == "no_storage"
        );
        // A server that never said that it knows of backups is not trusted to make one first.
        CHECK(set_policy(bare, policy_body(bucket)).status == 200);
        CHECK(
            world.in_org(
                     "POST", "/environments/" + bare + "/deploy", {{"backup_first", true}}
            ).code() == "backup_not_ready"
        );
        CHECK(
            world
                .in_org(
                    "DELETE", "/environments/" + bare + "?drop_data=true", nullptr,
                    {{"x-confirm", "Bare"}}
                )
                .code() == "backup_not_ready"
        );
        CHECK(world.in_org(
                       "POST", "/environments/" + shop + "/deploy", {{"backup_first", 1}}
        ).blames("backup_first"));
    }

    TEST_CASE_FIXTURE(Fixture, "another organization has other backups") {
        auto bak = backup(shop);
        world.act_for(world.other);
        CHECK(get_backup(bak).status == 404);
        CHECK(world.in_org("GET", "/backups").json.at("data").as_array().empty());
        CHECK(world.in_org("GET", "/environments/" + shop + "/backups").status == 404);
        CHECK(restore(bak, {{"environment_id", shop}}).status == 404);
        CHECK(clone(shop, {{"target_environment_id", shop}}).status == 404);
        CHECK(world.in_org("POST", "/backups/" + bak + "/drill").status == 404);
        CHECK(
            world.in_org("DELETE", "/backups/" + bak, nullptr, {{"x-confirm", bak}}).status == 404
        );
    }
}
