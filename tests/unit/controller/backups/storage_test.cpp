#include "controller/backups/sealed.hpp"
#include "fixture.hpp"

using namespace fairlead;
using namespace fairlead::test;

TEST_SUITE("controller/backups/storage") {

    TEST_CASE_FIXTURE(
        BackupWorld, "a storage is tried out from a server, whose findings are shown"
    ) {
        auto made = make_storage();
        REQUIRE(made.status == 201);
        CHECK(made.text("state") == "untested");
        CHECK(made.text("region") == "us-east-1");
        CHECK(made.json.at("tested_at").is_null());
        auto operation = made.text("test_operation_id");
        const auto& sent = delivered(operation);
        CHECK(sent.kind == "storage.test");
        auto args = proto::read<proto::StorageTestArgs>(sent.args).value();
        CHECK(args.storage.id == made.id());
        CHECK(args.storage.bucket == "odoo-backups");
        CHECK(
            sent.secrets ==
            std::map<std::string, std::string>{{"storage:" + made.id(), "s3cret-marker"}}
        );

        proto::OperationResult result;
        result.preflight = proto::PreflightReport{
            {{"write", "Write an object", proto::CheckResult::passed, "12 ms", "", ""}}};
        run(operation, proto::Outcome::succeeded, result);
        auto now = world.in_org("GET", "/storages/" + made.id());
        CHECK(now.text("state") == "working");
        CHECK(now.text("tested_on") == server.str());
        CHECK(now.json.at("checks").as_array().at(0).at("id") == "write");

        auto again =
            world.in_org("POST", "/storages/" + made.id() + "/test", {{"server_id", server.str()}});
        REQUIRE(again.status == 202);
        run(again.id(), proto::Outcome::failed, {}, "storage_refused");
        now = world.in_org("GET", "/storages/" + made.id());
        CHECK(now.text("state") == "failed");
        CHECK(now.json.at("checks").as_array().at(0).at("id") == "storage_refused");
        CHECK(world.in_org("GET", "/storages").json.at("data").as_array().size() == 1);
    }

    TEST_CASE_FIXTURE(
        BackupWorld, "the keys of a storage are nowhere but sealed and on their way"
    ) {
        auto id = storage({{"session_token", "t0ken-marker"}});
        auto sent = delivered(newest("storage.test"));
        CHECK(sent.secrets.at("storage_token:" + id) == "t0ken-marker");
        run(newest("storage.test"));
        CHECK(
            world.in_org("PATCH", "/storages/" + id, {{"secret_key", "other-marker"}}).status == 200
        );
        auto text = boost::json::serialize(world.in_org("GET", "/storages/" + id).json);
        CHECK(text.find("marker") == std::string::npos);
        for (const auto& event : world.events.take())
            CHECK(event.data.find("marker") == std::string::npos);
        auto file = world.folder.path() / "copy";
        world.copy_to(file);
        auto bytes = read_file(file, 64 << 20).value();
        CHECK(bytes.find("AKIA1") != std::string::npos);
        CHECK(bytes.find("marker") == std::string::npos);
    }

    TEST_CASE_FIXTURE(
        BackupWorld, "where the organization lists its sources, an endpoint is one of them"
    ) {
        auto kept = storage({{"endpoint", "https://minio.example.org:9000"}});
        allow(R"(["github.com","*.b2.example.org"])");
        for (const auto* endpoint :
             {"https://minio.example.org", "https://b2.example.org", "https://github.com.evil.test",
              "https://notgithub.com", "https://api.github.com:443"}) {
            CAPTURE(endpoint);
            CHECK(make_storage({{"endpoint", endpoint}}).blames("endpoint"));
            auto edited = world.in_org("PATCH", "/storages/" + kept, {{"endpoint", endpoint}});
            CHECK(edited.blames("endpoint"));
        }
        CHECK(make_storage({{"endpoint", "https://eu.B2.example.org:9000"}}).status == 201);
        // What was there before the list is asked at its next edit, whatever that is.
        auto rename = [&] {
            return world.in_org("PATCH", "/storages/" + kept, {{"name", "Other"}});
        };
        CHECK(rename().blames("endpoint"));
        allow(R"(["minio.example.org"])");
        CHECK(rename().status == 200);
    }

    TEST_CASE_FIXTURE(
        BackupWorld, "bad input is named and leaves nothing; the server for the test is asked for"
    ) {
        auto bad = make_storage(
            {{"name", ""},
             {"endpoint", "http://x"},
             {"bucket", "X"},
             {"prefix", "/"},
             {"secret_key", "a b"},
             {"test_on_server", "x"}}
        );
        CHECK(bad.status == 400);
        for (const auto* field :
             {"name", "endpoint", "bucket", "prefix", "secret_key", "test_on_server"})
            CHECK_MESSAGE(bad.blames(field), field);
        CHECK(make_storage({{"test_on_server", nullptr}}).blames("test_on_server"));
        CHECK(
            make_storage({{"test_on_server", ServerId::make(world.clock.now()).str()}}).status ==
            404
        );
        CHECK(world.one<std::int64_t>("SELECT count(*) FROM storage WHERE org_id <> ''") == 0);
        // Without a server there is nobody to ask.
        world.act_for(world.other);
        CHECK(make_storage({{"test_on_server", nullptr}}).status == 201);
    }

    TEST_CASE_FIXTURE(
        BackupWorld, "what changes is told, tried out again, and sent to the servers that use it"
    ) {
        auto first = storage();
        run(newest("storage.test"));
        auto in = project();
        auto a = live(in, "A"), b = live(in, "B");
        protect(a, first);
        auto second = storage({{"name", "Second"}});
        protect(b, second);
        auto told = count("backup.configure");
        auto edited = world.in_org(
            "PATCH", "/storages/" + first,
            {{"access_key", "AKIA2"},
             {"secret_key", "new-secret"},
             {"test_on_server", server.str()}}
        );
        REQUIRE_MESSAGE(edited.status == 200, boost::json::serialize(edited.json));
        CHECK(edited.text("state") == "untested");
        CHECK(edited.json.at("environments").as_int64() == 1);
        CHECK(count("backup.configure") == told + 1);
        const auto& sent = delivered(newest("backup.configure"));
        auto args = proto::read<proto::BackupConfigureArgs>(sent.args).value();
        CHECK(args.environment_id == a);
        CHECK(args.settings->storage.access_key == "AKIA2");
        CHECK(sent.secrets.at("storage:" + first) == "new-secret");
        run(newest("backup.configure"));

        // A new name is nothing to the servers, and the test still counts.
        proto::OperationResult found;
        found.preflight.emplace();
        found.preflight->checks.push_back(
            {"write", "Write an object", proto::CheckResult::passed, "", "", ""}
        );
        run(edited.text("test_operation_id"), proto::Outcome::succeeded, found);
        auto renamed = world.in_org("PATCH", "/storages/" + first, {{"name", "Renamed"}});
        CHECK(renamed.text("state") == "working");
        CHECK(count("backup.configure") == told + 1);
        CHECK(world.in_org("PATCH", "/storages/" + first, object()).blames("(document)"));

        // What is there must be found.
        backup(a);
        CHECK(
            world.in_org("PATCH", "/storages/" + first, {{"bucket", "other"}}).code() ==
            "storage_has_backups"
        );
        CHECK(
            world.in_org("PATCH", "/storages/" + first, {{"prefix", "other"}}).code() ==
            "storage_has_backups"
        );
        CHECK(world.in_org("PATCH", "/storages/" + second, {{"prefix", "other"}}).status == 200);
    }

    TEST_CASE_FIXTURE(BackupWorld, "the result of a test of what it was before does not count") {
        auto id = storage();
        auto test = newest("storage.test");
        CHECK(world.in_org("PATCH", "/storages/" + id, {{"bucket", "another-one"}}).status == 200);
        run(test);
        CHECK(world.in_org("GET", "/storages/" + id).text("state") == "untested");
    }

    TEST_CASE_FIXTURE(
        BackupWorld,
        "a storage in use stays; one that goes takes its list along, and not its bucket"
    ) {
        auto id = storage();
        auto env = live(project());
        protect(env, id);
        auto bak = backup(env);
        auto path = "/storages/" + id;
        CHECK(world.in_org("DELETE", path).code() == "confirmation_required");
        auto used = world.in_org("DELETE", path, nullptr, {{"x-confirm", "Main"}});
        CHECK(used.code() == "storage_in_use");
        CHECK(used.text("detail").find("Shop") != std::string::npos);
        auto before = count("backup.delete");
        CHECK(set_policy(env, policy_body("", {{"storage_id", nullptr}})).status == 200);
        CHECK(world.in_org("DELETE", path, nullptr, {{"x-confirm", "Main"}}).status == 204);
        CHECK(get_backup(bak).status == 404);
        CHECK(count("backup.delete") == before);
        CHECK(world.in_org("GET", path).status == 404);
    }

    TEST_CASE_FIXTURE(BackupWorld, "there are fifty storages at most") {
        for (int i = 0; i < 50; ++i) storage();
        CHECK(make_storage().code() == "too_many_storages");
    }

    TEST_CASE_FIXTURE(BackupWorld, "another organization has other storages") {
        auto id = storage();
        world.act_for(world.other);
        CHECK(world.in_org("GET", "/storages/" + id).status == 404);
        CHECK(world.in_org("PATCH", "/storages/" + id, {{"name", "X"}}).status == 404);
        CHECK(
            world.in_org("DELETE", "/storages/" + id, nullptr, {{"x-confirm", "Main"}}).status ==
            404
        );
        CHECK(world.in_org("GET", "/storages").json.at("data").as_array().empty());
    }

    TEST_CASE_FIXTURE(BackupWorld, "a new master key reaches the keys of storages") {
        auto id = storage({{"session_token", "token"}});
        std::vector<std::string> seen;
        REQUIRE(world.core->store.write([&](store::UnitOfWork& unit) {
            return backups::visit_sealed(
                unit.db(),
                [&](std::string_view sealed,
                    std::string_view context) -> Result<std::optional<std::string>> {
                    FAIRLEAD_TRY(value, world.keys.open(sealed, context));
                    seen.emplace_back(value.reveal());
                    return std::optional(world.keys.seal(Secret("changed"), context));
                }
            );
        }));
        CHECK(seen == std::vector<std::string>{"s3cret-marker", "token"});
        run(newest("storage.test"));
        auto again =
            world.in_org("POST", "/storages/" + id + "/test", {{"server_id", server.str()}});
        CHECK(delivered(again.id()).secrets.at("storage:" + id) == "changed");
    }
}
