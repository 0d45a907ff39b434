#include "common/crypto/keystore.hpp"
#include "common/store/memory_db.hpp"
#include "controller/app/installation.hpp"
#include "controller/app/keys.hpp"
#include "controller/app/people.hpp"

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

using namespace fairlead;
using namespace fairlead::app;

namespace {

/// Kills the process when it is asked for the time, which `rekey` does inside its transaction.
struct DeadlyClock final : Clock {
    Timestamp now() const override {
        ::raise(SIGKILL);
        return {};
    }
};

struct Fixture {
    store::TemporaryFolder folder;
    FakeClock clock;
    Settings settings;
    Layout layout{folder.path() / "data"};

    Fixture() {
        InitRequest request;
        request.settings.name = "fairlead.example";
        request.settings.data = layout.data;
        request.config = layout.data / "controller.yaml";
        request.admin_email = "ada@example.org";
        request.org_name = "Acme";
        settings = request.settings;
        REQUIRE(initialize(request, clock));
        put("git_credential/crd_1",
            "INSERT INTO git_credential (id, org_id, name, host, kind, username, fingerprint,"
            " sealed, created_ms, created_by, created_by_email)"
            " VALUES ('crd_1', 'org_1', 'c', 'h', 'token', '', '', $1, 0, 'usr_1', '')");
        put("variable/env_1/PASSWORD",
            "INSERT INTO environment_variable (environment_id, name, org_id, secret, value, "
            "sealed, size, updated_ms, updated_by, updated_by_email)"
            " VALUES ('env_1', 'PASSWORD', 'org_1', 1, '', $1, 1, 0, 'usr_1', '')");
        put("connector/env_01JD8Q4M3N7V5X2K9B6T0W1YHZ",
            "INSERT INTO connector_token (environment_id, org_id, tunnel, sealed, set_ms, set_by,"
            " set_by_email) VALUES ('env_01JD8Q4M3N7V5X2K9B6T0W1YHZ',"
            " 'org_01JD8Q4M3N7V5X2K9B6T0W1YHZ', 't', $1, 0, 'usr_1', '')");
        put("idempotency/usr_1/key",
            "INSERT INTO idempotency (user_id, request_key, request_hash, answer, created_ms)"
            " VALUES ('usr_1', 'key', '', $1, 0)");
        put("challenge/totp/abc",
            "INSERT INTO challenge (token_hash, kind, sealed, created_ms, expires_ms)"
            " VALUES ('abc', 'totp', $1, 0, 9000000000000)");
        put("totp/usr_1", "INSERT INTO totp (user_id, sealed, created_ms, last_step)"
                          " VALUES ('usr_1', $1, 0, 0)");
        put("outgoing_mail/mai_1",
            "INSERT INTO outgoing_mail (id, kind, recipient, sealed, created_ms, expires_ms,"
            " attempts, last_error) VALUES ('mai_1', 'k', 'r', $1, 0, 0, 0, '')");
        put("connect_key/1", "INSERT INTO connect_key (id, sealed_seed) VALUES (1, $1)");
        put("audit_key/1", "INSERT INTO audit_key (id, name, public_key, sealed_seed)"
                           " VALUES (1, 'test/audit', x'', $1)");
        put("import/imp_01JD8Q4M3N7V5X2K9B6T0W1YHZ",
            "INSERT INTO import (id, org_id, environment_id, project_id, server_id, state, path,"
            " url, filestore, sha256, sealed_query, operation_id, created_ms, created_by,"
            " created_by_email) VALUES ('imp_01JD8Q4M3N7V5X2K9B6T0W1YHZ',"
            " 'org_01JD8Q4M3N7V5X2K9B6T0W1YHZ', '', '', '', 'analysing', '', '', '', '', $1, '', 0,"
            " '', '')");
        put_two(
            "push_hook/env_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "push_hook/env_01JD8Q4M3N7V5X2K9B6T0W1YHZ",
            "INSERT INTO push_hook (org_id, environment_id, token, enabled, backup_first, sealed,"
            " sealed_old, secret_made_ms, created_ms, created_by, created_by_email) VALUES"
            " ('org_01JD8Q4M3N7V5X2K9B6T0W1YHZ', 'env_01JD8Q4M3N7V5X2K9B6T0W1YHZ', 't', 1, 0, $1,"
            " $2, 0, 0, '', '')"
        );
        put_two(
            "webhook/whk_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "webhook_old/whk_01JD8Q4M3N7V5X2K9B6T0W1YHZ",
            "INSERT INTO webhook (id, org_id, url, description, events, state, sealed_secret,"
            " sealed_old, created_ms, created_by, created_by_email) VALUES"
            " ('whk_01JD8Q4M3N7V5X2K9B6T0W1YHZ', 'org_01JD8Q4M3N7V5X2K9B6T0W1YHZ', '', '', '[]',"
            " 'active', $1, $2, 0, '', '')"
        );
        put("tunnel_key/tkey_01JD8Q4M3N7V5X2K9B6T0W1YHZ",
            "INSERT INTO tunnel_keys (id, org_id, state, public_key, sealed_seed, created_ms,"
            " created_by_email) VALUES ('tkey_01JD8Q4M3N7V5X2K9B6T0W1YHZ',"
            " 'org_01JD8Q4M3N7V5X2K9B6T0W1YHZ', 'current', '', $1, 0, '')");
        put("certificate/crt_01JD8Q4M3N7V5X2K9B6T0W1YHZ",
            "INSERT INTO certificate (id, org_id, name, state, sealed_key, next_ms, created_ms)"
            " VALUES ('crt_01JD8Q4M3N7V5X2K9B6T0W1YHZ', 'org_01JD8Q4M3N7V5X2K9B6T0W1YHZ',"
            " 'shop.example.org', 'issued', $1, 0, 0)");
        put("acme_account/https://acme.example/directory",
            "INSERT INTO acme_account (directory, contact, sealed_key) VALUES"
            " ('https://acme.example/directory', '', $1)");
    }

    crypto::Keystore keys() {
        return crypto::Keystore::load(Layout(settings).master_key()).value();
    }
    /// The user that the controller runs as has the data folder; we are root.
    void give_to_nobody() {
        REQUIRE(::geteuid() == 0);
        for (const auto& path : {folder.path(), layout.data})
            REQUIRE(::lchown(path.c_str(), nobody, nobody) == 0);
        for (const auto& entry : std::filesystem::directory_iterator(layout.data))
            REQUIRE(::lchown(entry.path().c_str(), nobody, nobody) == 0);
    }
    bool all_of_nobody() {
        for (const auto& entry : std::filesystem::directory_iterator(layout.data))
            if (owner_of(entry.path()) != nobody) return false;
        return true;
    }
    static uid_t owner_of(const std::filesystem::path& file) {
        struct stat facts {};
        REQUIRE(::stat(file.c_str(), &facts) == 0);
        return facts.st_uid;
    }
    static constexpr uid_t nobody = 65534;
    void put(std::string_view place, store::Sql sql) {
        store::Connection db(layout.database());
        db.script("PRAGMA foreign_keys = OFF"); // what the rows belong to is not of interest
        store::Blob sealed{keys().seal(Secret(std::string(place)), place)};
        REQUIRE(db.run(sql, sealed));
    }
    void put_two(std::string_view place, std::string_view old_place, store::Sql sql) {
        store::Connection db(layout.database());
        db.script("PRAGMA foreign_keys = OFF");
        store::Blob sealed{keys().seal(Secret(std::string(place)), place)};
        store::Blob old{keys().seal(Secret(std::string(old_place)), old_place)};
        REQUIRE(db.run(sql, sealed, old));
    }
    /// The value opens with what the file holds, and is the one that was put there.
    bool opens(std::string_view place, store::Sql sql) {
        store::Connection db(layout.database(), {.access = store::Access::read_only});
        auto sealed = db.one<store::Blob>(sql).value().value();
        auto value = keys().open(sealed.bytes, place);
        return value && value->reveal() == place;
    }
    bool all_open() {
        return opens("git_credential/crd_1", "SELECT sealed FROM git_credential") &&
               opens("variable/env_1/PASSWORD", "SELECT sealed FROM environment_variable") &&
               opens("idempotency/usr_1/key", "SELECT answer FROM idempotency") &&
               opens("challenge/totp/abc", "SELECT sealed FROM challenge") &&
               opens("totp/usr_1", "SELECT sealed FROM totp") &&
               opens("outgoing_mail/mai_1", "SELECT sealed FROM outgoing_mail") &&
               opens("connect_key/1", "SELECT sealed_seed FROM connect_key") &&
               opens("audit_key/1", "SELECT sealed_seed FROM audit_key") &&
               opens("import/imp_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "SELECT sealed_query FROM import") &&
               opens("push_hook/env_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "SELECT sealed FROM push_hook") &&
               opens(
                   "push_hook/env_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "SELECT sealed_old FROM push_hook"
               ) &&
               opens(
                   "webhook/whk_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "SELECT sealed_secret FROM webhook"
               ) &&
               opens(
                   "webhook_old/whk_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "SELECT sealed_old FROM webhook"
               ) &&
               opens(
                   "tunnel_key/tkey_01JD8Q4M3N7V5X2K9B6T0W1YHZ",
                   "SELECT sealed_seed FROM tunnel_keys"
               ) &&
               opens(
                   "certificate/crt_01JD8Q4M3N7V5X2K9B6T0W1YHZ",
                   "SELECT sealed_key FROM certificate"
               ) &&
               opens(
                   "acme_account/https://acme.example/directory",
                   "SELECT sealed_key FROM acme_account"
               );
    }
    std::string current() { return keys().current(); }
};

} // namespace

TEST_SUITE("controller/app/keys") {

    TEST_CASE_FIXTURE(
        Fixture, "a new master key takes over every sealed value; then the old one may go"
    ) {
        auto old = current();
        auto said = rekey(settings, clock).value();
        CHECK(said.starts_with("19 values are sealed by the master key "));
        CHECK(current() != old);
        CHECK(keys().ids().size() == 2);
        CHECK(all_open());
        CHECK(list_keys(settings)->find(": 19 values, and seals new ones\n") != std::string::npos);
        CHECK(list_keys(settings)->ends_with(": 0 values"));
        CHECK(forget_old_keys(settings));
        CHECK(keys().ids().size() == 1);
        CHECK(all_open());
        store::Connection db(layout.database(), {.access = store::Access::read_only});
        auto told =
            db.one<std::string>("SELECT action FROM audit_entry WHERE action <> 'org.create'");
        CHECK(told.value() == "keys.rekey");
    }

    TEST_CASE_FIXTURE(
        Fixture, "killed inside the transaction, everything opens, and the next run finishes"
    ) {
        auto old = current();
        auto child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            auto unreached = rekey(settings, DeadlyClock());
            ::_exit(unreached ? 0 : 1);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE(WIFSIGNALED(status));
        auto made = current();
        CHECK(made != old); // the key is there, the values are still under the old one
        CHECK(all_open());
        CHECK(list_keys(settings)->ends_with(": 19 values"));
        auto early = forget_old_keys(settings);
        CHECK(early.error().kind() == Errc::conflict);
        CHECK(all_open());

        auto said = rekey(settings, clock).value();
        CHECK(said.find("an earlier run had not finished") != std::string::npos);
        CHECK(current() == made);
        CHECK(forget_old_keys(settings));
        CHECK(all_open());
    }

    TEST_CASE_FIXTURE(Fixture, "more values than one query hands out are all gone through") {
        constexpr int many = int(store::Connection::max_rows) + 1;
        auto holds = [&](std::string_view says) {
            return list_keys(settings)->find(says) != std::string::npos;
        };
        auto total = std::to_string(19 + 4 * many);
        {
            store::Connection db(layout.database(), {.durability = store::Durability::relaxed});
            db.script("PRAGMA foreign_keys = OFF");
            auto keystore = keys();
            auto sealed = [&](const std::string& place) {
                return store::Blob{keystore.seal(Secret(std::string("x")), place)};
            };
            auto fill = [&]() -> Result<> {
                for (int i = 0; i < many; ++i) {
                    auto id = fmt::format("crd_more{:05}", i), name = fmt::format("NAME_{}", i);
                    FAIRLEAD_CHECK(db.run(
                        "INSERT INTO git_credential (id, org_id, name, host, kind, username,"
                        " fingerprint, sealed, created_ms, created_by, created_by_email)"
                        " VALUES ($1, 'org_1', $1, 'h', 'token', '', '', $2, 0, 'usr_1', '')",
                        id, sealed("git_credential/" + id)
                    ));
                    FAIRLEAD_CHECK(db.run(
                        "INSERT INTO environment_variable (environment_id, name, org_id, secret,"
                        " value, sealed, size, updated_ms, updated_by, updated_by_email)"
                        " VALUES ('env_1', $1, 'org_1', 1, '', $2, 1, 0, 'usr_1', '')",
                        name, sealed("variable/env_1/" + name)
                    ));
                    auto user = fmt::format("usr_more{}", i);
                    FAIRLEAD_CHECK(db.run(
                        "INSERT INTO totp (user_id, sealed, created_ms, last_step)"
                        " VALUES ($1, $2, 0, 0)",
                        user, sealed("totp/" + user)
                    ));
                    auto key = fmt::format("tkey_01JD8Q4M3N7V5X2K9B6T{:06}", i);
                    FAIRLEAD_CHECK(db.run(
                        "INSERT INTO tunnel_keys (id, org_id, state, public_key, sealed_seed,"
                        " created_ms, created_by_email)"
                        " VALUES ($1, $2, 'current', '', $3, 0, '')",
                        key, fmt::format("org_01JD8Q4M3N7V5X2K9B6T{:06}", i),
                        sealed("tunnel_key/" + key)
                    ));
                }
                return {};
            };
            REQUIRE(db.transaction(fill));
        }
        CHECK(rekey(settings, clock)->starts_with(total + " values are sealed by"));
        CHECK(holds(": " + total + " values, and seals new ones"));
        CHECK(list_keys(settings)->ends_with(": 0 values"));
        CHECK(forget_old_keys(settings));
        CHECK(opens("git_credential/crd_1", "SELECT sealed FROM git_credential WHERE id = 'crd_1'")
        );
    }

    TEST_CASE_FIXTURE(Fixture, "a value that cannot be opened stops it, and nothing has changed") {
        store::Connection(layout.database())
            .script("UPDATE environment_variable SET name = 'MOVED'");
        CHECK(!rekey(settings, clock));
        CHECK(list_keys(settings)->ends_with(": 19 values"));
        CHECK(opens("git_credential/crd_1", "SELECT sealed FROM git_credential"));
    }

    TEST_CASE_FIXTURE(Fixture, "not beside a controller that serves") {
        auto serving = FolderLock::take(layout);
        REQUIRE(serving);
        auto old = current();
        CHECK(rekey(settings, clock).error().kind() == Errc::conflict);
        CHECK(forget_old_keys(settings).error().kind() == Errc::conflict);
        CHECK(current() == old);
        CHECK(list_keys(settings));
    }

    TEST_CASE_FIXTURE(Fixture, "root changes the key for the user that the controller runs as") {
        give_to_nobody();
        CHECK(list_keys(settings));
        auto old = current();
        REQUIRE(rekey(settings, clock));
        CHECK(::geteuid() == 0);
        CHECK(current() != old);
        CHECK(all_of_nobody());
        CHECK(all_open());
        // However the folder is written.
        settings.data += "/";
        REQUIRE(rekey(settings, clock));
        CHECK(forget_old_keys(settings));
        CHECK(all_of_nobody());
    }

    TEST_CASE_FIXTURE(Fixture, "root goes nowhere that this user bent its own folder to") {
        auto roots = folder.path() / "roots.key";
        std::filesystem::rename(layout.master_key(), roots);
        std::filesystem::create_symlink(roots, layout.master_key());
        give_to_nobody();
        CHECK(!rekey(settings, clock));
        CHECK(crypto::Keystore::load(roots)->ids().size() == 1);
    }

    TEST_CASE_FIXTURE(Fixture, "a key that lies elsewhere is changed there, and stays root's") {
        auto elsewhere = folder.path() / "etc" / "master.key";
        std::filesystem::create_directory(elsewhere.parent_path());
        std::filesystem::rename(layout.master_key(), elsewhere);
        give_to_nobody();
        CHECK(list_keys(settings).error().message().find("master_key in") != std::string::npos);
        settings.master_key = elsewhere;
        auto old = current();
        CHECK(rekey(settings, clock)->find(elsewhere.string()) != std::string::npos);
        CHECK(current() != old);
        CHECK(owner_of(elsewhere) == 0);
        // Or that user's, where root put it.
        REQUIRE(::chown(elsewhere.c_str(), nobody, nobody) == 0);
        CHECK(rekey(settings, clock));
        CHECK(owner_of(elsewhere) == nobody);
        CHECK(!std::filesystem::exists(elsewhere.string() + ".new"));
        CHECK(!std::filesystem::exists(layout.master_key()));
        CHECK(all_of_nobody());
        CHECK(all_open());
        CHECK(forget_old_keys(settings));
        CHECK(keys().ids().size() == 1);
    }

    TEST_CASE_FIXTURE(Fixture, "a credential of systemd opens, and cannot be changed where it is") {
        auto given = folder.path() / "credentials";
        std::filesystem::create_directory(given);
        std::filesystem::rename(layout.master_key(), given / "master.key");
        ::setenv("CREDENTIALS_DIRECTORY", given.c_str(), 1);
        auto listed = list_keys(settings);
        auto changed = rekey(settings, clock);
        ::unsetenv("CREDENTIALS_DIRECTORY");
        REQUIRE(listed);
        REQUIRE(!changed);
        CHECK(changed.error().kind() == Errc::conflict);
        settings.master_key = given / "master.key";
        CHECK(list_keys(settings).value() == *listed);
    }

    TEST_CASE_FIXTURE(Fixture, "every column that can hold a sealed value is gone through") {
        store::Connection db(layout.database(), {.access = store::Access::read_only});
        auto columns = db.all<std::string>(
            "SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c"
            " WHERE m.type = 'table' AND c.type = 'BLOB' AND c.name NOT IN ('hash', 'points', "
            "'public_key')"
            " ORDER BY 1"
        );
        // A new one goes into its subject's visit_sealed, into the fixture, and here.
        CHECK(
            columns.value() ==
            std::vector<std::string>{
                "acme_account.sealed_key",
                "audit_key.sealed_seed",
                "authority.sealed_key",
                "certificate.sealed_key",
                "challenge.sealed",
                "connect_key.sealed_seed",
                "connector_token.sealed",
                "environment_variable.sealed",
                "git_credential.sealed",
                "idempotency.answer",
                "import.sealed_query",
                "installation.sealed_tickets",
                "outgoing_mail.sealed",
                "own_certificate.sealed_key",
                "push_hook.sealed",
                "push_hook.sealed_old",
                "storage.sealed",
                "storage.sealed_token",
                "totp.sealed",
                "tunnel_keys.sealed_seed",
                "webhook.sealed_old",
                "webhook.sealed_secret"}
        );
    }

    TEST_CASE_FIXTURE(Fixture, "people are listed with their organizations and roles") {
        auto people = list_people(settings).value();
        CHECK(people.starts_with("ada@example.org (ada), no password chosen yet\n  admin of Acme"));
        CHECK(people.ends_with(", owner"));
    }
}
