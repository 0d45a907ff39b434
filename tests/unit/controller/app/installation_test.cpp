#include "common/store/memory_db.hpp"
#include "controller/access/users.hpp"
#include "controller/app/installation.hpp"
#include "controller/app/schema.hpp"
#include "controller/orgs/orgs.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

using namespace fairlead;
using namespace fairlead::app;
namespace fs = std::filesystem;

namespace {

struct Fixture {
    store::TemporaryFolder folder;
    FakeClock clock;
    InitRequest request;
    Layout layout{folder.path() / "data"};

    Fixture() {
        request.settings.name = "fairlead.example";
        request.settings.data = layout.data;
        request.config = layout.data / "controller.yaml";
        request.admin_email = "Ada@example.org";
        request.org_name = "Acme";
    }
    std::string init() { return initialize(request, clock).value(); }
    template <class T>
    T one(store::Sql sql) {
        return store::Connection(layout.database(), {.access = store::Access::read_only})
            .one<T>(sql)
            .value()
            .value();
    }
    void script(const char* sql) { store::Connection(layout.database()).script(sql); }
    mode_t mode(const fs::path& path) {
        struct stat facts {};
        REQUIRE(::stat(path.c_str(), &facts) == 0);
        return facts.st_mode & 0777;
    }
    std::string token(const std::string& link) { return link.substr(link.find('#') + 1); }
};

} // namespace

TEST_SUITE("controller/app/installation") {

    TEST_CASE_FIXTURE(
        Fixture, "init makes private keys and data, one administrator, one organization, and a "
                 "link that works once"
    ) {
        auto link = init();
        CHECK(link.starts_with("https://fairlead.example:8443/setup#flo_"));
        CHECK(mode(layout.data) == 0700);
        CHECK(mode(layout.master_key()) == 0400);
        CHECK(mode(layout.database()) == 0600);
        CHECK(load_settings(request.config).value().name == "fairlead.example");
        CHECK(one<std::string>("SELECT email FROM app_user") == "ada@example.org");
        CHECK(
            one<std::string>("SELECT o.name || ' ' || m.role || ' ' || m.owner FROM org o JOIN "
                             "membership m ON m.org_id = o.id") == "Acme admin 1"
        );
        CHECK(one<int>("SELECT count(*) FROM authority WHERE stage = 'issuing'") == 1);
        CHECK(one<std::string>("SELECT action FROM audit_entry") == "org.create");

        store::Connection db(layout.database());
        access::UserRepo users(db);
        CHECK(
            users.find_link(token(link), clock.now() + link_lifetime).error().code() ==
            "setup_link_invalid"
        );
        CHECK(users.take_link(token(link), clock.now()));
        CHECK(!users.take_link(token(link), clock.now()));
    }

    TEST_CASE_FIXTURE(
        Fixture,
        "twice is refused and changes nothing, as is a folder where an init was interrupted"
    ) {
        init();
        auto created = one<std::int64_t>("SELECT created_ms FROM installation");
        clock.advance(std::chrono::hours(1));
        auto again = initialize(request, clock);
        CHECK(again.error().kind() == Errc::conflict);
        CHECK(again.error().message().find("--relink") != std::string::npos);
        CHECK(one<std::int64_t>("SELECT created_ms FROM installation") == created);

        fs::remove(request.config);
        CHECK(initialize(request, clock).error().kind() == Errc::conflict);
        fs::remove(layout.database());
        auto interrupted = initialize(request, clock);
        CHECK(interrupted.error().message().find("interrupted") != std::string::npos);
        fs::remove_all(layout.data);
        CHECK(initialize(request, clock));
    }

    TEST_CASE_FIXTURE(Fixture, "what init is given is checked before anything is made") {
        for (auto change :
             {+[](InitRequest& r) { r.admin_email = "nobody"; },
              +[](InitRequest& r) { r.settings.name = "Not A Name"; },
              +[](InitRequest& r) { r.settings.listen = "8443"; }}) {
            auto bad = request;
            change(bad);
            CHECK(initialize(bad, clock).error().kind() == Errc::invalid);
            CHECK(!fs::exists(layout.data));
        }
    }

    TEST_CASE_FIXTURE(Fixture, "relink voids the link before it") {
        auto first = init();
        auto second = relink(request.settings, "", clock).value();
        store::Connection db(layout.database());
        access::UserRepo users(db);
        CHECK(!users.find_link(token(first), clock.now()));
        CHECK(users.find_link(token(second), clock.now()));
        CHECK(relink(request.settings, "ADA@example.org", clock));
        CHECK(relink(request.settings, "bob@example.org", clock).error().kind() == Errc::not_found);
    }

    TEST_CASE_FIXTURE(
        Fixture, "a restored copy brings back its rows, ends every session and raises the epoch"
    ) {
        init();
        auto copy = folder.path() / "copy.db";
        script("INSERT INTO session (id, token_hash, user_id, created_ms, last_used_ms,"
               " expires_ms, address, user_agent) SELECT 'ses_1', 'hash', id, 1, 1, 1, '', ''"
               " FROM app_user");
        REQUIRE(back_up(request.settings, copy));
        CHECK(mode(copy) == 0600);
        script("UPDATE org SET name = 'Later'");

        auto sentence = restore(request.settings, copy, clock).value();
        CHECK(one<std::string>("SELECT name FROM org") == "Acme");
        CHECK(one<int>("SELECT count(*) FROM session") == 0);
        CHECK(one<int>("SELECT count(*) FROM setup_link") == 0);
        CHECK(one<int>("SELECT epoch FROM installation") == 2);
        CHECK(one<std::int64_t>("SELECT restored_ms FROM installation") == to_ms(clock.now()));
        // What was there is kept, and can be put back.
        auto kept =
            layout.database().string() + ".before-restore-" + std::to_string(to_ms(clock.now()));
        CHECK(sentence.find(kept) != std::string::npos);
        CHECK(
            store::Connection(kept, {.access = store::Access::read_only})
                .one<std::string>("SELECT name FROM org")
                .value() == "Later"
        );
        clock.advance(std::chrono::seconds(1));
        REQUIRE(restore(request.settings, kept, clock));
        CHECK(one<std::string>("SELECT name FROM org") == "Later");
    }

    TEST_CASE_FIXTURE(
        Fixture, "a copy that cannot be used is refused by reason, and what is there stays"
    ) {
        init();
        auto copy = folder.path() / "copy.db";
        REQUIRE(back_up(request.settings, copy));
        auto refused = [&](std::string_view says) {
            auto result = restore(request.settings, copy, clock);
            REQUIRE(!result);
            CAPTURE(result.error().message());
            CHECK(result.error().message().find(says) != std::string::npos);
            CHECK(one<int>("SELECT epoch FROM installation") == 1);
        };
        {
            store::Connection(copy).script(
                "INSERT INTO schema_migration VALUES (999, 'from the future', 0)"
            );
        }
        refused("made by a newer controller");

        fs::remove(copy);
        { store::Connection(copy).script("CREATE TABLE other (x INT)"); }
        refused("no database of a Fairlead controller");

        fs::remove(copy);
        Fixture elsewhere;
        elsewhere.init();
        REQUIRE(back_up(elsewhere.request.settings, copy));
        refused("another master key");

        fs::remove(copy);
        refused("There is no file");
        auto held = FolderLock::take(layout);
        REQUIRE(held);
        REQUIRE(back_up(request.settings, copy));
        refused("Another controller");
    }

    TEST_CASE_FIXTURE(Fixture, "the surroundings are checked by name") {
        auto find = [&](std::string_view says) {
            auto all = check_surroundings(request.settings, clock);
            return std::any_of(all.begin(), all.end(), [&](const std::string& finding) {
                return finding.find(says) != std::string::npos;
            });
        };
        CHECK(find("There is no folder"));
        init();
        CHECK(!find("There is no folder"));
        CHECK(find("no agent packages"));
        REQUIRE(::chmod(layout.data.c_str(), 0755) == 0);
        CHECK(find("chmod 0700"));
        REQUIRE(::chmod(layout.master_key().c_str(), 0444) == 0);
        CHECK(find("chmod 0400"));
        request.settings.certificate =
            CertificateSettings{"/nonexistent/chain.pem", "/nonexistent/key.pem"};
        CHECK(find("/nonexistent/chain.pem"));
        CHECK(find("/nonexistent/key.pem"));
    }

    TEST_CASE("the whole schema applies, and every table of an organization has its id [S-ISO-01]"
    ) {
        store::MemoryDb db(schema());
        // Tables of the installation itself, of people, and of what has the organization's id in
        // its parent.
        const std::vector<std::string> without{
            "installation",
            "schema_migration",
            "org",
            "app_user",
            "setup_link",
            "session",
            "proof_wait",
            "idempotency",
            "authority",
            "own_certificate",
            "acme_account",
            "audit_key",
            "challenge",
            "connect_key",
            "outgoing_mail",
            "passkey",
            "rate_bucket",
            "recovery_code",
            "sign_in_attempt",
            "sign_in_identity",
            "totp",
            "custom_hostname_leaving"};
        auto tables = db.db()
                          .all<std::string>("SELECT name FROM sqlite_schema WHERE type = 'table' "
                                            "AND name NOT LIKE 'sqlite_%' ORDER BY name")
                          .value();
        CHECK(tables.size() > without.size() + 8);
        for (const auto& table : tables) {
            CAPTURE(table);
            if (std::find(without.begin(), without.end(), table) != without.end()) continue;
            auto bound = db.db().one<int>(
                "SELECT count(*) FROM pragma_table_info($1) WHERE name = 'org_id' AND \"notnull\" "
                "= 1",
                table
            );
            CHECK(bound.value() == 1);
        }
    }
}
