#include "fixture.hpp"

using namespace fairlead;
using namespace fairlead::test;

namespace {

struct Fixture : BackupWorld {
    std::string bucket = storage();
    std::string in = project();
    std::string shop = live(in);
    Fixture() { protect(shop, bucket); }

    static proto::DrillReport report(const std::string& id, proto::CheckResult result) {
        proto::DrillReport report;
        report.backup_id = id;
        report.restore_ms = 61000;
        report.checks = {{"registry", "Odoo loads it", result, "412 models", "", ""}};
        return report;
    }
    std::string drill(const std::string& bak, proto::Outcome outcome, proto::CheckResult check) {
        auto asked = world.in_org("POST", "/backups/" + bak + "/drill");
        REQUIRE_MESSAGE(asked.status == 202, boost::json::serialize(asked.json));
        proto::OperationResult result;
        result.drill = report(bak, check);
        run(asked.id(), outcome, result, outcome == proto::Outcome::failed ? "drill_failed" : "");
        return asked.id();
    }
};

} // namespace

TEST_SUITE("controller/backups/results") {

    TEST_CASE_FIXTURE(
        Fixture,
        "a drill that passed says when a backup was last restored; one that failed does not"
    ) {
        auto bak = backup(shop);
        CHECK(env_backup(shop).at("last_drill_passed").is_null());
        drill(bak, proto::Outcome::failed, proto::CheckResult::failed);
        auto shown = get_backup(bak);
        CHECK(shown.json.at("last_restored_at").is_null());
        CHECK(!shown.json.at("last_drill").at("passed").as_bool());
        CHECK(!env_backup(shop).at("last_drill_passed").as_bool());
        // A failed check is no success, whatever the operation says.
        drill(bak, proto::Outcome::succeeded, proto::CheckResult::failed);
        CHECK(get_backup(bak).json.at("last_restored_at").is_null());

        world.clock.advance(std::chrono::hours(1));
        auto operation = drill(bak, proto::Outcome::succeeded, proto::CheckResult::passed);
        shown = get_backup(bak);
        CHECK(str(shown.json.at("last_drill").at("operation_id")) == operation);
        CHECK(shown.json.at("last_drill").at("restore_ms").as_int64() == 61000);
        CHECK(shown.json.at("last_drill").at("checks").as_array().at(0).at("id") == "registry");
        CHECK(shown.text("last_restored_at") == to_rfc3339(world.clock.now()));
        CHECK(str(env_backup(shop).at("last_restored_at")) == to_rfc3339(world.clock.now()));
        CHECK(env_backup(shop).at("last_drill_passed").as_bool());
        auto result = world.in_org("GET", "/operations/" + operation).json.at("result");
        CHECK(result.at("restore_ms").as_int64() == 61000);
        CHECK(str(result.at("backup_id")) == bak);
    }

    TEST_CASE_FIXTURE(Fixture, "a preview of retention counts on none whose drill found damage") {
        auto older = backup(shop);
        world.clock.advance(std::chrono::hours(1));
        auto newest = backup(shop);
        auto rules = [&](std::size_t i) {
            auto shown = world.in_org(
                "POST", "/environments/" + shop + "/backup-policy/preview",
                {{"retention", {{"last", 1}}}}
            );
            REQUIRE(shown.status == 200);
            return shown.json.at("data").as_array().at(i).at("rules");
        };
        using boost::json::array;
        CHECK(rules(1) == array{});
        drill(newest, proto::Outcome::failed, proto::CheckResult::failed);
        CHECK(rules(0) == array{"no_better"});
        CHECK(rules(1) == array{"last", "newest"});
        // It came to no check: that says nothing of the backup.
        drill(newest, proto::Outcome::failed, proto::CheckResult::passed);
        CHECK(rules(1) == array{});
    }

    TEST_CASE_FIXTURE(Fixture, "a drill of the newest names what it was of") {
        backup(shop);
        world.clock.advance(std::chrono::minutes(5));
        auto newer = backup(shop);
        auto asked = world.in_org("POST", "/environments/" + shop + "/drill");
        REQUIRE(asked.status == 202);
        auto args = proto::read<proto::DrillArgs>(delivered(asked.id()).args).value();
        CHECK(args.backup.id == newer);
        // It does not stand in the way of other work.
        CHECK(world.in_org("POST", "/environments/" + shop + "/backups").status == 202);
    }

    TEST_CASE_FIXTURE(Fixture, "a drill that never ran says nothing") {
        auto bak = backup(shop);
        auto asked = world.in_org("POST", "/backups/" + bak + "/drill");
        fetch();
        agent.finish(asked.id(), proto::Outcome::cancelled);
        send();
        CHECK(get_backup(bak).json.at("last_drill").is_null());
        CHECK(env_backup(shop).at("last_drill_at").is_null());
    }

    TEST_CASE_FIXTURE(Fixture, "what retention removed is shown as removed, and of nobody else") {
        auto old = backup(shop), kept = backup(shop);
        auto other_server = world.add_server("odoo-fra-2");
        Agent second(world, other_server);
        auto asked = world.in_org("POST", "/environments/" + shop + "/backups");
        auto args = proto::read<proto::BackupArgs>(delivered(asked.id()).args).value();
        proto::OperationResult result;
        result.backup = info(args.backup_id);
        result.removed_backups = {old, "nonsense", BackupId::make(world.clock.now()).str(), old};
        run(asked.id(), proto::Outcome::succeeded, result);
        CHECK(state(old) == "removed");
        CHECK(!get_backup(old).json.at("removed_at").is_null());
        CHECK(state(kept) == "succeeded");
        CHECK(state(args.backup_id) == "succeeded");

        // Another server of the same organization speaks for its own alone.
        auto ping = world.in_org("POST", "/servers/" + other_server.str() + "/ping");
        REQUIRE(ping.status == 202);
        second.connect();
        second.fetch();
        second.take_all();
        proto::OperationResult lie;
        lie.removed_backups = {kept};
        lie.backup = info(kept);
        lie.drill = report(kept, proto::CheckResult::passed);
        second.finish(ping.id(), proto::Outcome::succeeded, lie);
        while (!second.reports.empty()) REQUIRE(second.report());
        CHECK(state(kept) == "succeeded");
        CHECK(get_backup(kept).json.at("last_restored_at").is_null());
    }

    TEST_CASE_FIXTURE(
        Fixture, "what is listed and not in its bucket any more is shown as removed, and audited"
    ) {
        auto kept = backup(shop), lost = backup(shop);
        auto beside = live(in, "Beside");
        protect(beside, bucket);
        auto theirs = backup(beside);
        auto store_again = [&](const std::string& storage_id, std::vector<std::string> there) {
            auto asked = world.in_org("POST", "/environments/" + shop + "/backups");
            auto args = proto::read<proto::BackupArgs>(delivered(asked.id()).args).value();
            proto::OperationResult result;
            result.backup = info(args.backup_id);
            there.push_back(args.backup_id);
            result.stored = proto::StoredBackups{storage_id, std::move(there)};
            run(asked.id(), proto::Outcome::succeeded, result);
            return args.backup_id;
        };
        // Of another bucket it says nothing.
        auto newest = store_again(storage(), {});
        CHECK(state(lost) == "succeeded");
        auto last = store_again(bucket, {kept, newest, "nonsense"});
        CHECK(state(lost) == "removed");
        for (const auto& id : {kept, newest, last, theirs}) CHECK(state(id) == "succeeded");
        auto after = boost::json::parse(world.one<std::string>(
            "SELECT after_json FROM audit_entry WHERE org_id <> '' AND action = 'backup.missing'"
        ));
        CHECK(after.at("backup_ids") == boost::json::array{lost});
    }

    TEST_CASE_FIXTURE(
        Fixture, "what a server removed is in the audit log, once for its operation, and named"
    ) {
        std::vector<std::string> old;
        for (int i = 0; i < 60; ++i) old.push_back(backup(shop));
        auto beside = live(in, "Beside");
        protect(beside, bucket);
        auto theirs = backup(beside);
        auto entries = [&] {
            auto audit = world.audited();
            return std::count(audit.begin(), audit.end(), "backup.removed ok");
        };
        auto asked = world.in_org("POST", "/environments/" + shop + "/backups");
        auto args = proto::read<proto::BackupArgs>(delivered(asked.id()).args).value();
        proto::OperationResult result;
        result.backup = info(args.backup_id);
        result.removed_backups = old;
        result.removed_backups.insert(result.removed_backups.begin(), theirs);
        run(asked.id(), proto::Outcome::succeeded, result);
        CHECK(state(old.back()) == "removed");
        // Of the same server, but of another environment.
        CHECK(state(theirs) == "succeeded");
        CHECK(entries() == 1);
        CHECK(
            world.one<std::string>(
                "SELECT actor_id FROM audit_entry WHERE org_id <> '' AND action = 'backup.removed'"
            ) == server.str()
        );
        auto after = boost::json::parse(world.one<std::string>(
            "SELECT after_json FROM audit_entry WHERE org_id <> '' AND action = 'backup.removed'"
        ));
        CHECK(str(after.at("operation_id")) == asked.id());
        CHECK(after.at("count").to_number<int>() == 60);
        CHECK(after.at("backup_ids").as_array().size() == 50);
        CHECK(str(after.at("backup_ids").as_array().front()) == old.front());

        // What is gone already is no news.
        asked = world.in_org("POST", "/environments/" + shop + "/backups");
        args = proto::read<proto::BackupArgs>(delivered(asked.id()).args).value();
        result.backup = info(args.backup_id);
        run(asked.id(), proto::Outcome::succeeded, result);
        CHECK(entries() == 1);

        asked = world.in_org("DELETE", "/backups/" + theirs, nullptr, {{"x-confirm", theirs}});
        REQUIRE(asked.status == 202);
        result = {};
        result.removed_backups = {theirs, args.backup_id};
        run(asked.id(), proto::Outcome::succeeded, result);
        CHECK(state(theirs) == "removed");
        CHECK(state(args.backup_id) == "succeeded");
        CHECK(entries() == 2);
    }

    TEST_CASE_FIXTURE(Fixture, "success without a word of the backup is none") {
        auto asked = world.in_org("POST", "/environments/" + shop + "/backups");
        auto args = proto::read<proto::BackupArgs>(delivered(asked.id()).args).value();
        proto::OperationResult result;
        result.backup = info(BackupId::make(world.clock.now()).str());
        run(asked.id(), proto::Outcome::succeeded, result);
        auto shown = get_backup(args.backup_id);
        CHECK(shown.text("state") == "failed");
        CHECK(shown.json.at("error").at("code") == "no_backup_reported");
        CHECK(env_backup(shop).at("last_backup_at").is_null());
    }

    TEST_CASE_FIXTURE(Fixture, "a backup that never reached its server failed") {
        agent.disconnect();
        auto asked = world.in_org("POST", "/environments/" + shop + "/backups");
        REQUIRE(asked.status == 202);
        CHECK(world.in_org("POST", "/operations/" + asked.id() + "/cancel").status == 202);
        auto list = world.in_org("GET", "/backups?state=failed").json.at("data").as_array();
        REQUIRE(list.size() == 1);
        CHECK(list[0].at("error").at("code") == "cancelled");
    }

    TEST_CASE_FIXTURE(Fixture, "what a server says of a backup is cut to size") {
        auto asked = world.in_org("POST", "/environments/" + shop + "/backups");
        auto args = proto::read<proto::BackupArgs>(delivered(asked.id()).args).value();
        proto::OperationResult result;
        auto big = info(args.backup_id);
        big.database_bytes = UINT64_MAX;
        big.odoo_version = std::string(100000, 'x');
        big.recipients.assign(1000, std::string(1000, 'y'));
        big.started_at_ms = INT64_MAX;
        big.finished_at_ms = INT64_MAX;
        result.backup = big;
        run(asked.id(), proto::Outcome::succeeded, result);
        auto shown = get_backup(args.backup_id);
        CHECK(shown.text("state") == "succeeded");
        CHECK(boost::json::serialize(shown.json).size() < 5000);
        CHECK(shown.text("finished_at") == to_rfc3339(world.clock.now()));
    }

    TEST_CASE_FIXTURE(Fixture, "a deleted storage ends what waits for its keys, with the reason") {
        auto other = storage({{"name", "Other"}});
        run(newest("storage.test"));
        agent.disconnect();
        auto asked =
            world.in_org("POST", "/storages/" + other + "/test", {{"server_id", server.str()}});
        REQUIRE(asked.status == 202);
        CHECK(
            world.in_org(
                     "DELETE", "/storages/" + other, nullptr, {{"x-confirm", "Other"}}
            ).status == 204
        );
        agent.connect();
        agent.fetch();
        auto operation = world.in_org("GET", "/operations/" + asked.id());
        CHECK(operation.text("state") == "failed");
        CHECK(operation.json.at("error").at("code") == "secrets_unavailable");
    }

    TEST_CASE_FIXTURE(
        Fixture, "rows of what failed or is gone are forgotten after 90 days; good ones stay"
    ) {
        auto good = backup(shop);
        auto asked = world.in_org("POST", "/environments/" + shop + "/backups");
        auto args = proto::read<proto::BackupArgs>(delivered(asked.id()).args).value();
        run(asked.id(), proto::Outcome::failed, {}, "bucket_refused");
        REQUIRE(world.core->backups.tidy(world.clock.now() + std::chrono::hours(24 * 90)));
        CHECK(get_backup(args.backup_id).status == 200);
        REQUIRE(world.core->backups.tidy(world.clock.now() + std::chrono::hours(24 * 91)));
        CHECK(get_backup(args.backup_id).status == 404);
        CHECK(get_backup(good).status == 200);
    }

    TEST_CASE_FIXTURE(Fixture, "an organization that goes takes its rows along, and no object") {
        backup(shop);
        auto deletes = count("backup.delete");
        REQUIRE(world.core->store.write([&](store::UnitOfWork& unit) {
            return backups::erase(unit.db(), world.org);
        }));
        CHECK(world.in_org("GET", "/backups").json.at("data").as_array().empty());
        CHECK(world.in_org("GET", "/storages").json.at("data").as_array().empty());
        CHECK(count("backup.delete") == deletes);
    }

    TEST_CASE_FIXTURE(Fixture, "news of backups goes to those who may see them") {
        world.events.take();
        auto bak = backup(shop);
        int news = 0;
        for (const auto& event : world.events.take()) {
            if (event.type != "backup.updated") continue;
            ++news;
            CHECK(event.permission == "backups.view");
            CHECK(event.project == in);
            CHECK(event.data.find(bak) != std::string::npos);
        }
        CHECK(news == 2);
    }
}
