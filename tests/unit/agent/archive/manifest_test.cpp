#include "agent/archive/layout.hpp"
#include "agent/archive/manifest.hpp"
#include "common/crypto/age.hpp"
#include "common/json/json.hpp"

#include <doctest/doctest.h>

#include <functional>

using namespace fairlead;
using namespace fairlead::archive;

namespace {

const std::string environment = "env_01J00000000000000000000000";
const std::string backup = "bak_01J00000000000000000000001";
const std::string pack = "pck_01J00000000000000000000002";

Manifest sample() {
    Manifest manifest;
    manifest.product = "Fairlead 1.0";
    manifest.id = backup;
    manifest.kind = proto::BackupKind::scheduled;
    manifest.started_at = "2026-01-31T02:30:00.000Z";
    manifest.finished_at = "2026-01-31T02:31:00.000Z";
    manifest.environment.id = environment;
    manifest.environment.slug = "shop";
    manifest.environment.name = "Shop";
    manifest.environment.odoo_version = "19.0";
    manifest.environment.release = 7;
    manifest.environment.modules = {{"sale", "1f2e"}};
    manifest.postgresql_version = "15.8";
    manifest.database.object = {database_key(environment, backup), 1000, std::string(64, 'a')};
    manifest.database.dump_format = "custom";
    manifest.database.logical_bytes = 5000;
    manifest.database.tables = 400;
    manifest.database.rows = {{"res_users", 5}};
    manifest.filestore.list = {files_key(environment, backup), 300, std::string(64, 'b')};
    manifest.filestore.packs = {
        {{pack_key(environment, pack), 2000, std::string(64, 'c')}, 10, 3000}};
    manifest.filestore.files = 9;
    manifest.filestore.bytes = 2900;
    manifest.filestore.missing = 1;
    manifest.sent_bytes = 3300;
    manifest.recipients = {crypto::Identity::generate().recipient().str()};
    return manifest;
}

std::string code_of(const std::string& text) {
    auto read = read_manifest(text);
    return read ? "" : read.error().code();
}

} // namespace

TEST_SUITE("agent/archive/manifest") {

    TEST_CASE("a manifest comes back as it was written") {
        auto manifest = sample();
        auto text = write_manifest(manifest);
        auto read = read_manifest(text);
        REQUIRE_MESSAGE(read, (read ? "" : read.error().message()));
        CHECK(write_manifest(*read) == text);
        auto info = info_of(*read, "sto_1");
        CHECK(info.id == backup);
        CHECK(info.finished_at_ms - info.started_at_ms == 60'000);
        CHECK(info.dump_bytes == 1000);
        CHECK(info.packed_bytes == 2000);
        CHECK(info.files == 9);
        CHECK(info.missing_files == 1);
        CHECK(info.storage_id == "sto_1");
    }

    TEST_CASE("a newer format is called so, by its number") {
        auto manifest = sample();
        manifest.format = 2;
        auto read = read_manifest(write_manifest(manifest));
        REQUIRE(!read);
        CHECK(read.error().code() == "backup_format_unknown");
        CHECK(read.error().message().find("format 2") != std::string::npos);
        // Also when the rest of it is not known either.
        CHECK(code_of(R"({"format":17,"everything":"different"})") == "backup_format_unknown");
        CHECK(code_of(R"({"format":-1})") == "backup_format_unknown");
        CHECK(code_of(R"({"format":"1"})") == "backup_damaged");
        CHECK(code_of(R"({"format":1.5})") == "backup_damaged");
    }

    TEST_CASE("what contradicts itself or names strange objects is refused") {
        struct Row {
            const char* name;
            std::function<void(Manifest&)> change;
        };
        const Row rows[] = {
            {"id", [](auto& m) { m.id = "bak_1"; }},
            {"another id", [](auto& m) { m.id.back() = '9'; }},
            {"environment id", [](auto& m) { m.environment.id = "../x"; }},
            {"time", [](auto& m) { m.started_at = "yesterday"; }},
            {"time runs back", [](auto& m) { m.finished_at = "2026-01-31T02:29:00.000Z"; }},
            {"database key",
             [](auto& m) { m.database.object.key = "env_x/backups/y/database.dump.zst.age"; }},
            {"database hash", [](auto& m) { m.database.object.sha256[0] = 'G'; }},
            {"database size", [](auto& m) { m.database.object.bytes = 0; }},
            {"dump format", [](auto& m) { m.database.dump_format = "plain"; }},
            {"list key", [](auto& m) { m.filestore.list.key += "x"; }},
            {"pack of another environment",
             [](auto& m) {
                 m.filestore.packs[0].object.key = pack_key("env_01J00000000000000000000009", pack);
             }},
            {"no pack",
             [](auto& m) { m.filestore.packs[0].object.key = packs_prefix(environment) + "x"; }},
            {"pack twice", [](auto& m) { m.filestore.packs.push_back(m.filestore.packs[0]); }},
            {"fewer files in packs", [](auto& m) { m.filestore.files = 11; }},
            {"fewer bytes in packs", [](auto& m) { m.filestore.bytes = 3001; }},
            {"overflow",
             [](auto& m) {
                 m.filestore.packs.push_back(m.filestore.packs[0]);
                 m.filestore.packs[1].object.key =
                     pack_key(environment, "pck_01J00000000000000000000003");
                 m.filestore.packs[1].files = ~std::uint64_t(0);
             }},
            {"too many packs",
             [](auto& m) {
                 m.filestore.packs.resize(manifest_max_packs + 1, m.filestore.packs[0]);
             }},
            {"no recipients", [](auto& m) { m.recipients.clear(); }},
            {"no recipient", [](auto& m) { m.recipients[0] = "age1x"; }},
            {"too many recipients", [](auto& m) { m.recipients.resize(21, m.recipients[0]); }},
            {"long name", [](auto& m) { m.environment.name = std::string(5000, 'x'); }},
        };
        for (const auto& row : rows) {
            CAPTURE(row.name);
            auto manifest = sample();
            row.change(manifest);
            CHECK(code_of(write_manifest(manifest)) == "backup_damaged");
        }
    }

    TEST_CASE("unknown members, missing ones and no JSON are refused") {
        auto text = write_manifest(sample());
        CHECK(code_of(text) == "");
        CHECK(code_of("{\"surprise\":1," + text.substr(1)) == "backup_damaged");
        auto without = text;
        without.replace(without.find("\"sent_bytes\""), 12, "\"sent_bites\"");
        CHECK(code_of(without) == "backup_damaged");
        for (std::string odd : {"", "{}", "[]", "null", "{\"format\":1}", "{\"format\":1"})
            CHECK(code_of(odd) == "backup_damaged");
        for (std::size_t size = 0; size < text.size(); size += 13)
            CHECK(code_of(text.substr(0, size)) == "backup_damaged");
        CHECK(code_of(text + std::string(manifest_limit, ' ')) == "backup_damaged");
    }

    TEST_CASE("keys lead to ids and back, and only our own do") {
        CHECK(
            manifest_key(environment, backup) ==
            environment + "/backups/" + backup + "/manifest.json"
        );
        CHECK(
            database_key(environment, backup) ==
            environment + "/backups/" + backup + "/database.dump.zst.age"
        );
        CHECK(
            files_key(environment, backup) == environment + "/backups/" + backup + "/files.zst.age"
        );
        CHECK(pack_key(environment, pack) == environment + "/packs/" + pack + ".tar.zst.age");
        CHECK(backup_of_key(environment, manifest_key(environment, backup)) == backup);
        CHECK(pack_of_key(environment, pack_key(environment, pack)) == pack);
        CHECK(!backup_of_key(environment, pack_key(environment, pack)));
        CHECK(!pack_of_key(environment, manifest_key(environment, backup)));
        CHECK(!backup_of_key("env_x", manifest_key(environment, backup)));
        CHECK(!backup_of_key(environment, backups_prefix(environment) + backup));
        CHECK(!pack_of_key(environment, packs_prefix(environment) + ".tar.zst.age"));
        CHECK(!pack_of_key(environment, packs_prefix(environment) + "sub/" + pack + ".tar.zst.age")
        );
    }
}
