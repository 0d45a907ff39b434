// Restores and clones that take several operations, on two servers.
#include "fixture.hpp"

using namespace fairlead;
using namespace fairlead::test;

namespace {

constexpr auto theirs = BackupWorld::recipient;

struct Fixture : BackupWorld {
    std::string bucket = storage();
    std::string in = project();
    std::string shop = live(in, "Shop", "staging");
    ServerId second = world.add_server("odoo-fra-2");
    Agent far{world, second};
    Fixture() {
        protect(shop, bucket);
        for (auto permission : {"environments.create", "deployments.create", "restores.production"})
            hold(permission);
    }

    /// One that a recovery key opens too.
    std::string backup(const std::string& id) {
        auto made = BackupWorld::backup(id);
        REQUIRE(world.core->store.write([&](store::UnitOfWork& unit) {
            return unit.db().run(
                "UPDATE backup SET recipients = $2 WHERE org_id <> '' AND id = $1", made,
                boost::json::serialize(array{recipient, theirs})
            );
        }));
        return made;
    }
    /// The server of that agent ends it like this.
    void end_on(
        Agent& on, const std::string& id, proto::Outcome outcome = proto::Outcome::succeeded,
        proto::OperationResult result = {}, std::string error = ""
    ) {
        fetch_on(on);
        on.finish(id, outcome, std::move(result), std::move(error));
        while (!on.reports.empty()) REQUIRE(on.report());
    }
    void fetch_on(Agent& on) {
        if (!on.connected()) on.connect();
        on.fetch();
        on.take_all();
    }
    template <class Args>
    Args args_on(Agent& on, const std::string& id) {
        fetch_on(on);
        REQUIRE(on.known.contains(id));
        return proto::read<Args>(on.known.at(id).operation.args).value();
    }
    void deployed_on(Agent& on, const std::string& id) {
        proto::OperationResult result;
        auto args = args_on<proto::DeployArgs>(on, id);
        result.release.emplace();
        result.release->id = args.release.id;
        result.release->number = args.release.number;
        result.release->live = true;
        end_on(on, id, proto::Outcome::succeeded, result);
    }
    std::string live_on_far(const std::string& name) {
        auto id = environment(in, name, "staging", second);
        auto asked = world.in_org("POST", "/environments/" + id + "/deploy");
        REQUIRE(asked.status == 202);
        deployed_on(far, asked.id());
        return id;
    }
    void tell_recipient(const std::string& operation, std::string key = theirs) {
        proto::OperationResult result;
        result.recipient = std::move(key);
        end_on(far, operation, proto::Outcome::succeeded, result);
    }

    Reply restore(const std::string& bak, object body, std::string confirm = "") {
        std::vector<std::pair<std::string, std::string>> headers;
        if (!confirm.empty()) headers.emplace_back("x-confirm", confirm);
        return world.in_org("POST", "/backups/" + bak + "/restore", std::move(body), headers);
    }
    Reply clone(const std::string& from, object body) {
        return world.in_org("POST", "/environments/" + from + "/clone", std::move(body));
    }
    object fresh(const std::string& name, std::optional<ServerId> on = {}, object more = {}) {
        object body{{"name", name}, {"server_id", on.value_or(second).str()}};
        for (auto& [key, value] : more) body[key] = value;
        return {{"new_environment", std::move(body)}};
    }
    boost::json::value copy_of(const std::string& operation) {
        auto list = world.in_org("GET", "/copies?operation=" + operation);
        REQUIRE(list.status == 200);
        auto& data = list.json.at("data").as_array();
        return data.empty() ? boost::json::value(nullptr) : data.front();
    }
    /// "deploy:succeeded grant:queued restore:-"
    std::string line(const std::string& operation) {
        std::string text;
        auto copy = copy_of(operation);
        for (const auto& step : copy.at("operations").as_array()) {
            auto kind = str(step.at("kind"));
            text += (text.empty() ? "" : " ") + kind.substr(kind.find('.') + 1) + ":" +
                    (step.at("state").is_null() ? "-" : str(step.at("state")));
        }
        return text;
    }
    std::string operation_at(const std::string& first, std::size_t at) {
        return str(copy_of(first).at("operations").at(at).at("operation_id"));
    }
    void revoke_source() {
        REQUIRE(world.core->store.write([&](store::UnitOfWork& unit) {
            return unit.db().run(
                "UPDATE server SET revoked_ms = 1 WHERE org_id <> '' AND id = $1", server
            );
        }));
    }
    std::int64_t rows(std::string_view of) {
        if (of == "copies")
            return world.one<std::int64_t>("SELECT count(*) FROM data_copy WHERE org_id <> ''");
        return world.one<std::int64_t>("SELECT count(*) FROM environment WHERE org_id <> ''");
    }
};

} // namespace

TEST_SUITE("controller/backups/copies") {

    TEST_CASE_FIXTURE(
        Fixture, "on another server a backup is granted to the target, then restored there"
    ) {
        auto bak = backup(shop);
        auto target = live_on_far("Far");
        auto asked = restore(bak, {{"environment_id", target}, {"note", "moving"}});
        REQUIRE_MESSAGE(asked.status == 202, boost::json::serialize(asked.json));
        CHECK(asked.text("kind") == "backup.recipient");
        auto first = asked.id();
        CHECK(line(first) == "recipient:delivered grant:- restore:-");
        CHECK(args_on<proto::BackupRecipientArgs>(far, first).environment_id == target);
        tell_recipient(first);

        auto granting = operation_at(first, 1);
        auto grant = args_on<proto::BackupGrantArgs>(agent, granting);
        CHECK(grant.recipient == theirs);
        CHECK(grant.environment_id == shop);
        CHECK(grant.slug == slug(shop));
        CHECK(grant.backup.id == bak);
        CHECK(agent.known.at(granting).operation.secrets.contains("storage:" + bucket));
        end_on(agent, granting);

        auto last = operation_at(first, 2);
        auto args = args_on<proto::RestoreArgs>(far, last);
        CHECK(args.environment_id == target);
        CHECK(args.backup.id == bak);
        CHECK(args.neutralise);
        REQUIRE(args.safety);
        proto::OperationResult result;
        result.backup = info(args.safety->backup_id);
        end_on(far, last, proto::Outcome::succeeded, result);
        auto copy = copy_of(last);
        CHECK(str(copy.at("state")) == "succeeded");
        CHECK(copy.at("error").is_null());
        CHECK(!get_backup(bak).json.at("last_restored_at").is_null());
        // Everybody who asked stands behind each of them.
        for (const auto& id : {first, granting, last})
            CHECK(
                str(world.in_org("GET", "/operations/" + id).json.at("requested_by").at("email")) ==
                "ann@example.org"
            );
        auto actions = world.audited();
        for (auto action :
             {"copy.begin ok", "backup.recipient ok", "backup.grant ok", "backup.restore ok",
              "copy.end ok"})
            CHECK(std::ranges::find(actions, action) != actions.end());
    }

    TEST_CASE_FIXTURE(
        Fixture, "a new environment is as its source, is deployed, and then gets the data"
    ) {
        REQUIRE(
            world
                .in_org(
                    "PATCH", "/environments/" + shop,
                    {{"resources", {{"workers", 3}}}, {"requirements", array{"num2words==0.5.13"}}}
                )
                .status == 200
        );
        auto variable = [&](const std::string& name, bool secret) {
            REQUIRE(
                world
                    .in_org(
                        "PUT", "/environments/" + shop + "/variables/" + name,
                        {{"value", "v-" + name}, {"secret", secret}}
                    )
                    .status < 300
            );
        };
        variable("PLAIN", false);
        variable("HIDDEN", true);
        deploy(shop);
        auto bak = backup(shop);
        auto asked = restore(bak, fresh("Shop copy", {}, {{"type", "development"}}));
        REQUIRE_MESSAGE(asked.status == 202, boost::json::serialize(asked.json));
        CHECK(asked.text("kind") == "environment.deploy");
        auto first = asked.id();
        auto spec = args_on<proto::DeployArgs>(far, first).environment;
        CHECK(spec.name == "Shop copy");
        CHECK(spec.type == proto::EnvironmentType::development);
        CHECK(spec.resources.workers == 3);
        CHECK(spec.requirements == std::vector<std::string>{"num2words==0.5.13"});
        CHECK(spec.modules.empty());
        REQUIRE(spec.variables.size() == 1);
        CHECK(spec.variables[0].name == "PLAIN");
        auto target = str(asked.json.at("target").at("id"));
        CHECK(line(first) == "deploy:delivered recipient:- grant:- restore:-");
        deployed_on(far, first);
        tell_recipient(operation_at(first, 1));
        end_on(agent, operation_at(first, 2));
        auto last = operation_at(first, 3);
        auto args = args_on<proto::RestoreArgs>(far, last);
        CHECK(args.environment_id == target);
        CHECK(args.neutralise);
        CHECK(!args.safety);
        end_on(far, last);
        CHECK(str(copy_of(first).at("state")) == "succeeded");
        CHECK(copy_of(first).at("target").at("made_for_it").as_bool());
    }

    TEST_CASE_FIXTURE(Fixture, "on the same server nothing is granted") {
        auto bak = backup(shop);
        auto restored = restore(bak, fresh("Beside", server));
        REQUIRE(restored.status == 202);
        CHECK(line(restored.id()) == "deploy:delivered restore:-");
        auto cloned = clone(shop, fresh("Clone", server));
        REQUIRE(cloned.status == 202);
        CHECK(line(cloned.id()) == "deploy:delivered clone:-");
        deployed_on(agent, cloned.id());
        auto args = args_on<proto::CloneArgs>(agent, operation_at(cloned.id(), 1));
        CHECK(args.source_environment_id == shop);
        CHECK(args.neutralise);
        CHECK(!args.safety);
        // Into its own environment, and into another one beside it, one operation does all.
        CHECK(copy_of(restore(bak, {{"environment_id", shop}}).id()).is_null());
    }

    TEST_CASE_FIXTURE(Fixture, "the branches are those of the release that the backup names") {
        REQUIRE(
            world
                .in_org(
                    "PATCH", "/projects/" + in,
                    {{"odoo_source",
                      {{"url", "https://git.example.com/odoo"}, {"branch", "19.0-next"}}}}
                )
                .status == 200
        );
        auto bak = backup(shop); // of release 3, as its server says; 1 is the newest that is known
        auto asked = restore(bak, fresh("Old"));
        REQUIRE(asked.status == 202);
        CHECK(args_on<proto::DeployArgs>(far, asked.id()).environment.odoo.branch == "19.0");
    }

    TEST_CASE_FIXTURE(
        Fixture, "a clone to another server makes a backup first, or takes the newest"
    ) {
        auto target = live_on_far("Far");
        CHECK(
            clone(shop, {{"target_environment_id", target}, {"backup", "newest"}}).code() ==
            "no_backup"
        );
        auto bare = live(in, "Bare");
        CHECK(clone(bare, {{"target_environment_id", target}}).code() == "no_storage");
        CHECK(rows("copies") == 0);

        auto asked = clone(shop, {{"target_environment_id", target}});
        REQUIRE(asked.status == 202);
        CHECK(asked.text("kind") == "backup.create");
        CHECK(line(asked.id()) == "create:delivered recipient:- grant:- restore:-");
        auto made = args_on<proto::BackupArgs>(agent, asked.id()).backup_id;
        proto::OperationResult result;
        result.backup = info(made);
        end_on(agent, asked.id(), proto::Outcome::succeeded, result);
        tell_recipient(operation_at(asked.id(), 1));
        CHECK(
            args_on<proto::BackupGrantArgs>(agent, operation_at(asked.id(), 2)).backup.id == made
        );
        // While it is under way nothing else comes into the target.
        auto second_one = clone(shop, {{"target_environment_id", target}});
        CHECK(second_one.code() == "operation_in_progress");
        end_on(agent, operation_at(asked.id(), 2));
        auto last = operation_at(asked.id(), 3);
        CHECK(args_on<proto::RestoreArgs>(far, last).neutralise);
        end_on(far, last);
        CHECK(str(copy_of(last).at("state")) == "succeeded");

        auto newest = clone(shop, {{"target_environment_id", target}, {"backup", "newest"}});
        REQUIRE(newest.status == 202);
        CHECK(line(newest.id()) == "recipient:delivered grant:- restore:-");
        CHECK(str(copy_of(newest.id()).at("backup_id")) == made);
    }

    TEST_CASE_FIXTURE(
        Fixture, "nothing is begun for data from a storage that the list of sources has not"
    ) {
        auto bak = backup(shop);
        auto target = live_on_far("Far");
        allow(R"(["git.example.com"])");
        CHECK(restore(bak, fresh("New")).code() == "source_not_listed");
        CHECK(restore(bak, {{"environment_id", target}}).code() == "source_not_listed");
        for (auto by : {"newest", "fresh"})
            CHECK(
                clone(shop, {{"target_environment_id", target}, {"backup", by}}).code() ==
                "source_not_listed"
            );
        CHECK(rows("copies") == 0);
    }

    TEST_CASE_FIXTURE(Fixture, "what fails ends it, and says where, why and what to do") {
        auto bak = backup(shop);
        auto asked = restore(bak, fresh("Copy"));
        end_on(far, asked.id(), proto::Outcome::failed, {}, "preflight_failed");
        auto copy = copy_of(asked.id());
        CHECK(str(copy.at("state")) == "failed");
        CHECK(str(copy.at("error").at("code")) == "preflight_failed");
        auto says = str(copy.at("error").at("message"));
        CHECK(says.find("Copy was made, and could not be deployed") != std::string::npos);
        CHECK(says.find("deploy it, and restore the backup into it") != std::string::npos);
        CHECK(line(asked.id()) == "deploy:failed recipient:- grant:- restore:-");
        // The environment stays, to be mended.
        auto target = str(copy.at("target").at("id"));
        CHECK(env(target).status == 200);

        auto there = live_on_far("Far");
        auto again = restore(bak, {{"environment_id", there}});
        tell_recipient(again.id());
        auto granting = operation_at(again.id(), 1);
        end_on(agent, granting, proto::Outcome::failed, {}, "policy_refused");
        copy = copy_of(again.id());
        CHECK(str(copy.at("error").at("code")) == "policy_refused");
        says = str(copy.at("error").at("message"));
        CHECK(says.find("odoo-fra-1, which holds the key of Shop") != std::string::npos);
        CHECK(says.find("fairlead-agent backup restore " + bak) != std::string::npos);
        CHECK(says.find("--environment-id " + shop) != std::string::npos);
        CHECK(count("backup.restore") == 0);
    }

    TEST_CASE_FIXTURE(
        Fixture, "a key that is none, or that comes of nobody's asking, goes nowhere"
    ) {
        auto bak = backup(shop);
        auto target = live_on_far("Far");
        for (std::string wrong : {"", "age1", "AGE-SECRET-KEY-1QQQQ"}) {
            auto asked = restore(bak, {{"environment_id", target}});
            REQUIRE(asked.status == 202);
            tell_recipient(asked.id(), wrong);
            CHECK(str(copy_of(asked.id()).at("state")) == "failed");
        }
        CHECK(count("backup.grant") == 0);
    }

    TEST_CASE_FIXTURE(Fixture, "cancelling the operation under way ends all of it") {
        auto bak = backup(shop);
        auto target = live_on_far("Far");
        auto asked = restore(bak, {{"environment_id", target}});
        tell_recipient(asked.id());
        auto granting = operation_at(asked.id(), 1);
        // Nobody has it yet, or it is there already: then the server undoes it.
        CHECK(world.in_org("POST", "/operations/" + granting + "/cancel").status == 202);
        end_on(agent, granting, proto::Outcome::cancelled);
        CHECK(str(copy_of(asked.id()).at("state")) == "cancelled");
        CHECK(count("backup.restore") == 0);
        // Where it was too late to undo, nothing more follows all the same.
        auto again = restore(bak, {{"environment_id", target}});
        fetch_on(far);
        CHECK(world.in_org("POST", "/operations/" + again.id() + "/cancel").status == 202);
        tell_recipient(again.id());
        CHECK(str(copy_of(again.id()).at("state")) == "cancelled");
        CHECK(count("backup.grant") == 1);
    }

    TEST_CASE_FIXTURE(Fixture, "it goes on where it was after a restart of the controller") {
        auto bak = backup(shop);
        auto asked = restore(bak, fresh("Copy"));
        auto first = asked.id();
        auto restart = [&] {
            world.restart();
            for (auto* one : {&agent, &far}) {
                one->connect();
                one->take_all();
            }
        };
        fetch_on(far);
        restart();
        deployed_on(far, first);
        restart();
        tell_recipient(operation_at(first, 1));
        restart();
        end_on(agent, operation_at(first, 2));
        restart();
        end_on(far, operation_at(first, 3));
        CHECK(str(copy_of(first).at("state")) == "succeeded");
    }

    TEST_CASE_FIXTURE(Fixture, "without the server that has the key, it says what to do by hand") {
        auto bak = backup(shop);
        auto without = BackupWorld::backup(shop);
        auto target = live_on_far("Far");
        revoke_source();
        auto refused = restore(bak, {{"environment_id", target}});
        CHECK(refused.status == 409);
        CHECK(refused.code() == "backup_key_elsewhere");
        auto says = refused.text("detail");
        CHECK(says.find("odoo-fra-1 is revoked") != std::string::npos);
        CHECK(
            says.find(
                "fairlead-agent backup restore " + bak + " --into " + slug(target) +
                " --environment-id " + shop +
                " --identity RECOVERY_KEY_FILE --endpoint "
                "https://minio.example.org:9000"
            ) != std::string::npos
        );
        CHECK(says.find("s3cret-marker") == std::string::npos);
        CHECK(
            restore(without, {{"environment_id", target}})
                .text("detail")
                .find("There was no recovery key") != std::string::npos
        );
        // Nothing is made for what cannot come.
        auto before = rows("environments");
        CHECK(restore(bak, fresh("Copy")).code() == "backup_key_elsewhere");
        CHECK(rows("environments") == before);
    }

    TEST_CASE_FIXTURE(Fixture, "a new environment asks for everything that making one does") {
        auto bak = backup(shop);
        auto all = *world.guard.principal->permissions;
        for (std::string missing : {"environments.create", "deployments.create"}) {
            auto held = all;
            held.erase(missing);
            world.guard.principal->permissions =
                std::make_shared<std::set<std::string, std::less<>>>(held);
            for (auto& refused : {restore(bak, fresh("Copy")), clone(shop, fresh("Copy"))}) {
                CHECK(refused.code() == "permission_denied");
                CHECK(refused.text("permission") == missing);
            }
        }
        world.guard.principal->permissions =
            std::make_shared<std::set<std::string, std::less<>>>(all);
        auto live_one = fresh("Live", {}, {{"type", "production"}});
        CHECK(restore(bak, live_one).code() == "confirmation_required");
        CHECK(restore(bak, live_one, "Livve").code() == "confirmation_mismatch");
        CHECK(restore(bak, live_one, "Live").status == 202);
        auto none = ServerId::make(world.clock.now());
        CHECK(restore(bak, fresh("Nowhere", none)).status == 404);
        CHECK(restore(bak, fresh("")).blames("new_environment.name"));
        auto parts = fresh("Parts");
        parts["parts"] = "database";
        CHECK(restore(bak, parts).blames("parts"));
    }

    TEST_CASE_FIXTURE(Fixture, "the switch over copies stops also one that is under way") {
        auto bak = backup(shop);
        auto target = live_on_far("Far");
        auto asked = restore(bak, {{"environment_id", target}});
        REQUIRE(world.core->store.write([&](store::UnitOfWork& unit) {
            return unit.db().run(
                "INSERT INTO org_setting (org_id, clone_enabled) VALUES ($1, 0)", world.org.org()
            );
        }));
        tell_recipient(asked.id());
        CHECK(str(copy_of(asked.id()).at("error").at("code")) == "clone_disabled");
        CHECK(count("backup.grant") == 0);
        for (auto& refused : {restore(bak, fresh("Copy")), clone(shop, fresh("Copy"))})
            CHECK(refused.code() == "clone_disabled");
    }

    TEST_CASE_FIXTURE(Fixture, "what stands in the way when its turn comes is said, not lost") {
        auto bak = backup(shop);
        auto target = live_on_far("Far");
        auto asked = restore(bak, {{"environment_id", target}});
        tell_recipient(asked.id());
        // Somebody else was faster.
        auto other = world.in_org("POST", "/environments/" + target + "/restart");
        REQUIRE(other.status == 202);
        end_on(agent, operation_at(asked.id(), 1));
        auto copy = copy_of(asked.id());
        CHECK(str(copy.at("state")) == "failed");
        CHECK(str(copy.at("error").at("code")) == "operation_in_progress");
        // And what came too late is no news.
        CHECK(
            str(world.in_org("GET", "/copies/" + str(copy.at("id"))).json.at("state")) == "failed"
        );
        CHECK(
            world.in_org("GET", "/copies?state=failed&environment=" + target)
                .json.at("data")
                .as_array()
                .size() == 1
        );
    }

    TEST_CASE_FIXTURE(Fixture, "what ended is forgotten with time, a thousand at once") {
        auto bak = backup(shop);
        auto asked = restore(bak, fresh("Copy"));
        end_on(far, asked.id(), proto::Outcome::failed, {}, "preflight_failed");
        auto running = restore(bak, fresh("Other"));
        world.clock.advance(backups::Backups::kept + std::chrono::hours(1));
        REQUIRE(world.core->copies.tidy(world.clock.now()));
        CHECK(copy_of(asked.id()).is_null());
        CHECK(rows("copies") == 1);
        CHECK(
            world.one<std::int64_t>("SELECT count(*) FROM data_copy_step WHERE org_id <> ''") == 4
        );
    }
}
