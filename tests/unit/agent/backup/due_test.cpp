#include "agent/backup/due.hpp"
#include "agent/backup/settings.hpp"
#include "agent/deploy/records.hpp"
#include "common/runtime/file.hpp"
#include "common/store/memory_db.hpp"
#include "proto/codec.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::backup;
namespace fs = std::filesystem;

namespace {

const std::string environment_id = "env_01JD0000000000000000000000";

/// A server with one environment that has backup settings.
struct Server {
    Server() {
        layout.base = folder.path();
        fs::create_directories(layout.base / "executor/due");
        deploy::Place place(layout, "shop");
        fs::create_directories(place.root / "backup");
        REQUIRE(deploy::save_environment(place, {environment_id, "shop", "Shop", 1, 8069}));
        SavedSettings saved;
        saved.environment_id = environment_id;
        saved.settings.storage.id = "sto_01JD0000000000000000000000";
        saved.settings.retention.daily = 7;
        saved.secret_key = "the secret";
        REQUIRE(save_settings(BackupPlace(place), saved));
    }

    void note(const std::string& name, std::string_view text = "") {
        REQUIRE(write_file(layout.base / "executor/due" / name, text, 0600));
    }
    bool has_note(const std::string& name) const {
        return fs::exists(layout.base / "executor/due" / name);
    }
    std::vector<proto::Operation> take(bool accepted = true) {
        std::vector<proto::Operation> taken;
        births.clear();
        take_due(layout, clock, [&](proto::Operation operation, const proto::Born& born) {
            taken.push_back(std::move(operation));
            births.push_back(born);
            return accepted;
        });
        return taken;
    }

    store::TemporaryFolder folder;
    deploy::Layout layout;
    FakeClock clock;
    std::vector<proto::Born> births;
};

} // namespace

TEST_SUITE("agent/backup/due") {

    TEST_CASE("what a timer notes becomes a backup by the settings that the server keeps") {
        Server server;
        server.note("backup@shop");
        auto taken = server.take();
        REQUIRE(taken.size() == 1);
        CHECK(taken[0].kind == proto::kind::backup);
        CHECK(taken[0].requested_by == "schedule");
        CHECK(taken[0].secrets.at("storage:sto_01JD0000000000000000000000") == "the secret");
        auto args = proto::read<proto::BackupArgs>(taken[0].args).value();
        CHECK(args.environment_id == environment_id);
        CHECK(args.kind == proto::BackupKind::scheduled);
        CHECK(args.settings.retention.daily == 7);
        CHECK(args.backup_id.starts_with("bak_"));
        // What the controller hears of it has no secret.
        REQUIRE(server.births.size() == 1);
        CHECK(server.births[0].kind == proto::kind::backup);
        CHECK(proto::write_text(server.births[0]).find("the secret") == std::string::npos);
        CHECK(!server.has_note("backup@shop"));
        CHECK(server.take().empty());
    }

    TEST_CASE("a drill names no backup: the newest is chosen when it runs") {
        Server server;
        server.note("drill@shop");
        auto taken = server.take();
        REQUIRE(taken.size() == 1);
        auto args = proto::read<proto::DrillArgs>(taken[0].args).value();
        CHECK(args.backup.id.empty());
        CHECK(args.backup.slug == "shop");
    }

    TEST_CASE("what is not taken stays noted") {
        Server server;
        server.note("backup@shop");
        CHECK(server.take(false).size() == 1);
        CHECK(server.has_note("backup@shop"));
        CHECK(server.take(true).size() == 1);
        CHECK(!server.has_note("backup@shop"));
    }

    TEST_CASE("a note that makes no sense is no operation, and does not stay") {
        Server server;
        for (const auto* name :
             {"backup@gone", "wipe@shop", "backup", "backup@../shop", "restore@shop"}) {
            CAPTURE(name);
            if (std::string_view(name).find('/') != std::string_view::npos) continue;
            server.note(name, "{}");
            CHECK(server.take().empty());
            CHECK(!server.has_note(name));
        }
        // The name was given to another environment since.
        REQUIRE(deploy::save_environment(
            deploy::Place(server.layout, "shop"),
            {"env_01JD0000000000000000000001", "shop", "Shop", 1, 8069}
        ));
        server.note("backup@shop");
        CHECK(server.take().empty());
    }

    TEST_CASE("a restore that root asks for brings its keys in memory alone") {
        Server server;
        server.note(
            "restore@shop",
            R"({"operation":"op_01JD0000000000000000000000","args":{"environment_id":"env_01JD0000000000000000000000",
            "slug":"shop","backup":{"id":"bak_01JD0000000000000000000000","environment_id":"env_01JD0000000000000000000000",
            "slug":"shop","storage":{"id":"sto_01JD0000000000000000000009","name":"","endpoint":"","region":"","bucket":"",
            "prefix":"","addressing":"path","access_key":"","ca":"","object_lock":"none","object_lock_days":0}},
            "parts":"both","neutralise":false,"mask":[],"safety":null},"secret_key":"key","session_token":"","identities":["AGE"]})"
        );
        auto taken = server.take();
        REQUIRE(taken.size() == 1);
        CHECK(taken[0].id == "op_01JD0000000000000000000000");
        CHECK(taken[0].requested_by == "root");
        CHECK(taken[0].secrets.at("identity:0") == "AGE");
        CHECK(taken[0].secrets.at("storage:sto_01JD0000000000000000000009") == "key");
        CHECK(proto::write_text(server.births[0]).find("AGE") == std::string::npos);
        CHECK(!server.has_note("restore@shop"));
    }
}
