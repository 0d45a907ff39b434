#include "fixture.hpp"

using namespace fairlead;
using namespace fairlead::test;

namespace {

struct Fixture : BackupWorld {
    std::string bucket = storage();
    std::string in = project();
    std::string shop = live(in);
    Fixture() {
        protect(shop, bucket);
        world.clock.advance(std::chrono::minutes(1));
    }

    proto::BackupArgs backup_args(std::string id = "") {
        proto::BackupArgs args;
        args.environment_id = shop;
        args.slug = slug(shop);
        args.backup_id = id.empty() ? BackupId::make(world.clock.now()).str() : id;
        args.kind = proto::BackupKind::scheduled;
        args.settings.storage.id = bucket;
        args.settings.storage.ca = std::string(30000, 'c');
        return args;
    }
    static proto::Born
    born(std::string kind, const std::string& env, std::string slug, boost::json::value args) {
        return {std::move(kind), env, std::move(slug), "schedule", std::move(args)};
    }
    proto::Born scheduled(const proto::BackupArgs& args) {
        return born("backup.create", shop, slug(shop), proto::write(args));
    }
    /// The agent says that it began this.
    std::string begin(Agent& by, const proto::Born& born, std::string id = "") {
        if (!by.connected()) by.connect();
        if (id.empty()) id = OperationId::make(world.clock.now()).str();
        proto::Report report;
        report.operation = id;
        report.born = born;
        report.seq = ++by.last_seq;
        report.at_ms = to_ms(world.clock.now());
        by.reports.push_back(report);
        by.known[id];
        while (!by.reports.empty()) REQUIRE(by.report());
        return id;
    }
    Reply operation(const std::string& id) { return world.in_org("GET", "/operations/" + id); }
};

} // namespace

TEST_SUITE("controller/backups/born") {

    TEST_CASE_FIXTURE(
        Fixture, "a scheduled backup that nobody asked for is listed, audited and settled"
    ) {
        auto args = backup_args();
        auto id = begin(agent, scheduled(args));
        auto shown = operation(id);
        REQUIRE(shown.status == 200);
        CHECK(shown.text("state") == "running");
        CHECK(shown.text("origin") == "schedule");
        CHECK(shown.json.at("requested_by").is_null());
        CHECK(str(shown.json.at("target").at("id")) == shop);
        CHECK(state(args.backup_id) == "running");
        CHECK(get_backup(args.backup_id).text("kind") == "scheduled");
        CHECK(get_backup(args.backup_id).json.at("storage").at("name") == "Main");
        auto audit = world.audited();
        CHECK(std::count(audit.begin(), audit.end(), "backup.create ok") == 1);
        CHECK(
            world.one<std::string>(
                "SELECT actor_id FROM audit_entry WHERE org_id <> '' AND action = 'backup.create'"
            ) == server.str()
        );

        proto::OperationResult result;
        result.backup = info(args.backup_id);
        agent.step(id, "dump", proto::StepState::running);
        agent.finish(id, proto::Outcome::succeeded, result);
        send();
        CHECK(operation(id).text("state") == "succeeded");
        CHECK(state(args.backup_id) == "succeeded");
        CHECK(!env_backup(shop).at("last_backup_at").is_null());
    }

    TEST_CASE_FIXTURE(Fixture, "the same report again, and after a cut, is one operation") {
        auto args = backup_args();
        auto id = begin(agent, scheduled(args));
        begin(agent, scheduled(args), id);
        auto audit = world.audited();
        CHECK(std::count(audit.begin(), audit.end(), "backup.create ok") == 1);
        agent.disconnect();
        CHECK(operation(id).text("state") == "unknown");
        agent.connect();
        CHECK(operation(id).text("state") == "running");
        agent.finish(id, proto::Outcome::failed, {}, "bucket_refused");
        send();
        CHECK(state(args.backup_id) == "failed");
        begin(agent, scheduled(args), id);
        CHECK(operation(id).text("state") == "failed");
        CHECK(state(args.backup_id) == "failed");
    }

    TEST_CASE_FIXTURE(
        Fixture, "what waited while the controller was away comes with its own times"
    ) {
        auto then = world.clock.now();
        if (!agent.connected()) agent.connect();
        auto id = OperationId::make(then).str();
        proto::Report report;
        report.operation = id;
        report.born = scheduled(backup_args());
        report.at_ms = to_ms(then);
        report.seq = ++agent.last_seq;
        world.clock.advance(std::chrono::hours(48));
        agent.reports.push_back(report);
        send();
        CHECK(operation(id).text("started_at") == to_rfc3339(then));
    }

    TEST_CASE_FIXTURE(
        Fixture, "scheduled drills and root's restores are taken over; other kinds are not"
    ) {
        auto bak = backup(shop);
        proto::DrillArgs drill{shop, slug(shop), {}};
        auto id = begin(agent, born("backup.drill", shop, slug(shop), proto::write(drill)));
        CHECK(operation(id).text("kind") == "backup.drill");
        proto::OperationResult result;
        result.drill.emplace();
        result.drill->backup_id = bak;
        agent.finish(id, proto::Outcome::succeeded, result);
        send();
        CHECK(!get_backup(bak).json.at("last_restored_at").is_null());

        proto::RestoreArgs restore;
        restore.environment_id = shop;
        restore.slug = slug(shop);
        restore.backup.id = bak;
        restore.safety = backup_args();
        auto asked = born("backup.restore", shop, slug(shop), proto::write(restore));
        asked.requested_by = "root";
        id = begin(agent, asked);
        CHECK(operation(id).text("origin") == "root");
        CHECK(state(restore.safety->backup_id) == "running");

        for (const auto* kind :
             {"environment.deploy", "environment.delete", "backup.delete", "backup.configure",
              "environment.clone", "storage.test", "agent.ping", "nonsense", ""})
            CHECK_MESSAGE(
                operation(begin(agent, born(kind, shop, slug(shop), proto::write(backup_args()))))
                        .status == 404,
                kind
            );
    }

    TEST_CASE_FIXTURE(
        Fixture, "a server begins nothing for other servers' and other organizations' environments"
    ) {
        auto other_server = world.add_server("odoo-fra-2");
        Agent second(world, other_server);
        auto args = backup_args();
        CHECK(operation(begin(second, scheduled(args))).status == 404);
        CHECK(get_backup(args.backup_id).status == 404);

        auto into = backup_args();
        world.act_for(world.other);
        auto theirs = world.add_server("odoo-b");
        auto project_b = project();
        auto env_b = environment(project_b, "B", "staging", theirs);
        auto slug_b = slug(env_b);
        into.environment_id = env_b;
        into.slug = slug_b;
        world.act_for(world.org);
        auto id = begin(agent, born("backup.create", env_b, slug_b, proto::write(into)));
        CHECK(operation(id).status == 404);
        world.act_for(world.other);
        CHECK(operation(id).status == 404);
        CHECK(world.in_org("GET", "/backups").json.at("data").as_array().empty());
        CHECK(world.one<std::int64_t>("SELECT count(*) FROM backup WHERE org_id <> ''") == 0);
    }

    TEST_CASE_FIXTURE(Fixture, "ids of others are not taken over") {
        auto asked = world.in_org("POST", "/environments/" + shop + "/backups");
        REQUIRE(asked.status == 202);
        auto mine = proto::read<proto::BackupArgs>(delivered(asked.id()).args).value().backup_id;
        // Another server with the id of an operation of this organization, and one of another's.
        auto other_server = world.add_server("odoo-fra-2");
        Agent second(world, other_server);
        auto far = environment(in, "Far", "staging", other_server);
        REQUIRE(set_policy(far, policy_body(bucket)).status == 200);
        auto args = backup_args();
        args.environment_id = far;
        args.slug = slug(far);
        begin(second, born("backup.create", far, slug(far), proto::write(args)), asked.id());
        CHECK(operation(asked.id()).text("server_id") == server.str());
        CHECK(get_backup(args.backup_id).status == 404);
        // A backup that is there already.
        auto again = args;
        again.backup_id = mine;
        CHECK(
            operation(begin(second, born("backup.create", far, slug(far), proto::write(again))))
                .status == 404
        );

        world.act_for(world.other);
        auto theirs = world.add_server("odoo-b");
        auto ping = world.in_org("POST", "/servers/" + theirs.str() + "/ping");
        world.act_for(world.org);
        begin(agent, scheduled(backup_args()), ping.id());
        CHECK(operation(ping.id()).status == 404);
        world.act_for(world.other);
        CHECK(operation(ping.id()).text("kind") == "agent.ping");
    }

    TEST_CASE_FIXTURE(Fixture, "what does not fit together is not believed") {
        auto refuse = [&](proto::Born born) { CHECK(operation(begin(agent, born)).status == 404); };
        auto args = backup_args();
        auto wrong = scheduled(args);
        wrong.slug = "other";
        refuse(wrong);
        wrong = scheduled(args);
        wrong.requested_by = "ann@example.org";
        refuse(wrong);
        wrong = scheduled(args);
        wrong.environment_id = "env_nonsense";
        refuse(wrong);
        wrong = scheduled(args);
        wrong.args = "nonsense";
        refuse(wrong);
        auto other = args;
        other.environment_id = EnvironmentId::make(world.clock.now()).str();
        refuse(scheduled(other));
        other = args;
        other.backup_id = "bak_nonsense";
        refuse(scheduled(other));
        other = args;
        other.settings.storage.id = "";
        refuse(scheduled(other));
        // Without `accepted`, or without an id, it is a report of nothing.
        proto::Report report;
        report.operation = OperationId::make(world.clock.now()).str();
        report.kind = proto::ReportKind::finished;
        report.finished.emplace();
        report.born = scheduled(args);
        report.seq = ++agent.last_seq;
        agent.reports.push_back(report);
        send();
        CHECK(operation(report.operation).status == 404);
        CHECK(world.one<std::int64_t>("SELECT count(*) FROM backup WHERE org_id <> ''") == 0);
        CHECK(operation(begin(agent, scheduled(args))).status == 200);
    }

    TEST_CASE_FIXTURE(Fixture, "what is stored of it is small, and made of what is true here") {
        auto args = backup_args();
        args.settings.recipients.assign(1000, std::string(60, 'r'));
        args.settings.storage.endpoint = "https://evil.example.org";
        auto id = begin(agent, scheduled(args));
        REQUIRE(operation(id).status == 200);
        auto stored =
            world.one<std::string>("SELECT args FROM operation WHERE org_id <> '' AND id = $1", id);
        CHECK(stored.size() < 2000);
        CHECK(stored.find("evil") == std::string::npos);
        // A storage that was stored after the copy that this controller was restored from.
        auto later = backup_args();
        later.settings.storage.id = StorageId::make(world.clock.now()).str();
        later.settings.storage.name = std::string(500, 'n');
        REQUIRE(operation(begin(agent, scheduled(later))).status == 200);
        CHECK(get_backup(later.backup_id).json.at("storage").at("name").as_string().size() < 90);
    }

    TEST_CASE_FIXTURE(Fixture, "a server names no storage that nobody chose for its environment") {
        auto other = storage({{"name", "Other"}});
        auto args = backup_args();
        args.settings.storage.id = other;
        CHECK(operation(begin(agent, scheduled(args))).status == 404);
        CHECK(get_backup(args.backup_id).status == 404);

        proto::RestoreArgs restore;
        restore.environment_id = shop;
        restore.slug = slug(shop);
        restore.safety = args;
        auto asked = born("backup.restore", shop, slug(shop), proto::write(restore));
        CHECK(operation(begin(agent, asked)).status == 200);
        CHECK(get_backup(args.backup_id).status == 404);

        // One that it was told once is where it may still be at work.
        protect(shop, other);
        CHECK(operation(begin(agent, scheduled(args))).status == 200);
        protect(shop, bucket);
        args.backup_id = BackupId::make(world.clock.now()).str();
        CHECK(operation(begin(agent, scheduled(args))).status == 200);
    }

    TEST_CASE_FIXTURE(Fixture, "what a server began by itself is handed no keys") {
        auto id = begin(agent, scheduled(backup_args()));
        auto secrets = world.core->store.read([&](store::Connection& db) {
            operations::OperationRepo repo(db, world.org);
            auto row = repo.get(OperationId::trusted(id)).value();
            return world.core->backups.secrets(db, world.org, row, repo.args(row.id).value());
        });
        REQUIRE(secrets);
        CHECK(secrets->empty());
    }

    TEST_CASE_FIXTURE(Fixture, "a server that begins too many is not heard until the day is over") {
        if (!agent.connected()) agent.connect();
        auto begin_many = [&](int many) {
            for (int i = 0; i < many; ++i) {
                proto::DrillArgs drill{shop, "shop", {}};
                proto::Report report;
                report.operation = OperationId::make(world.clock.now()).str();
                report.born = born("backup.drill", shop, "shop", proto::write(drill));
                report.seq = ++agent.last_seq;
                report.at_ms = to_ms(world.clock.now()) - 86'400'000 * std::int64_t(30);
                agent.reports.push_back(report);
            }
            send();
        };
        REQUIRE(slug(shop) == "shop");
        auto stored = [&] {
            return world.one<std::int64_t>(
                "SELECT count(*) FROM operation WHERE org_id <> '' AND kind = 'backup.drill'"
            );
        };
        begin_many(static_cast<int>(operations::max_born_a_day) + 10);
        CHECK(stored() == operations::max_born_a_day);
        // Other work goes on.
        CHECK(world.in_org("POST", "/environments/" + shop + "/backups").status == 202);
        world.clock.advance(std::chrono::hours(25));
        begin_many(1);
        CHECK(stored() == operations::max_born_a_day + 1);
    }
}
