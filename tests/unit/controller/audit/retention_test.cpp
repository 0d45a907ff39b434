// What retention dropped, what somebody else deleted, and how the two are told apart.
#include "controller/audit/tree.hpp"
#include "signed_log.hpp"

#include <memory>

using namespace fairlead;
using namespace std::chrono_literals;
using fairlead::test::names;
using std::chrono::days;

namespace {

struct Log : test::SignedLog {
    store::TemporaryFolder folder;

    /// Some entries older than any plan keeps, and some of today.
    void written(int old = 25, int young = 15) {
        record(old);
        sign();
        clock.advance(days(366));
        record(young);
        sign();
    }
    std::int64_t texts() {
        return store
            ->read([&](store::Connection& db) {
                return db.one<std::int64_t>("SELECT count(*) FROM audit_entry");
            })
            .value()
            .value();
    }
    void run(const char* sql) {
        auto done = store->write([&](store::UnitOfWork& unit) -> Result<> {
            unit.db().script(sql);
            return {};
        });
        REQUIRE(done);
    }
};

} // namespace

TEST_SUITE("controller/audit/retention") {

    TEST_CASE_FIXTURE(Log, "what retention drops keeps its hash, and the log verifies") {
        written();
        tidy();
        CHECK(texts() == 15);
        CHECK(wrong().empty());
        auto verdict = verdict_of(exported(audit::ExportFormat::jsonl));
        CHECK(verdict.bad.empty());
        CHECK(verdict.with_text == 15);

        SUBCASE("and goes on verifying when more is dropped, and after a restart") {
            audit::Notary again(store.store(), keys, "fairlead.example");
            clock.advance(days(366));
            record(3);
            REQUIRE(audit::Retention(store.store(), plans, again).tidy(clock.now()));
            CHECK(texts() == 3);
            CHECK(wrong().empty());
        }
        SUBCASE("and kept ones stay protected") {
            CHECK_THROWS(run("DELETE FROM audit_entry WHERE seq = 39"));
            CHECK_THROWS(run("UPDATE audit_horizon SET below = 0"));
            CHECK_THROWS(run("DELETE FROM audit_horizon"));
        }
        SUBCASE("and an entry that is missing after them is named") {
            tamper("DELETE FROM audit_entry WHERE seq = 30");
            CHECK(names(wrong(), "entry 30 was deleted"));
        }
        SUBCASE("and one that is there although it might be gone is none the worse") {
            REQUIRE(store->write([&](store::UnitOfWork& unit) {
                return notary.sign_horizon(unit, org, 30);
            }));
            CHECK(wrong().empty());
        }
    }

    TEST_CASE_FIXTURE(Log, "thousands are dropped in one go") {
        written(1234, 1);
        tidy();
        CHECK(texts() == 1);
        CHECK(wrong().empty());
    }

    TEST_CASE_FIXTURE(Log, "whatever is deleted by hand is named, whatever stands about it") {
        record(40);
        sign();
        tidy();
        REQUIRE(wrong().empty());

        SUBCASE("the beginning") {
            tamper("DELETE FROM audit_entry WHERE seq < 10");
            CHECK(names(wrong(), "entries 0 to 9 were deleted"));
        }
        SUBCASE("everything") {
            tamper("DELETE FROM audit_entry");
            CHECK(names(wrong(), "entries 0 to 39 were deleted"));
        }
        SUBCASE("the beginning, with a horizon that somebody wrote") {
            run("INSERT INTO audit_horizon SELECT org_id, 10, '' FROM audit_entry LIMIT 1;"
                "DELETE FROM audit_entry WHERE seq < 10");
            auto found = wrong();
            REQUIRE(found.size() == 2);
            CHECK(found[0] == "entries 0 to 9 were deleted");
            CHECK(found[1].find("is not what was signed") != std::string::npos);
        }
        SUBCASE("the beginning, with a checkpoint for a horizon") {
            run("INSERT INTO audit_horizon SELECT org_id, size, note FROM audit_checkpoint LIMIT 1;"
                "DELETE FROM audit_entry WHERE seq < 40");
            CHECK(names(wrong(), "entries 0 to 39 were deleted"));
        }
        // Neither is it dropped later, as if nothing had happened.
        clock.advance(days(366));
        tidy();
        CHECK_FALSE(wrong().empty());
        audit::Notary again(store.store(), keys, "fairlead.example");
        CHECK_FALSE(wrong().empty());
    }

    TEST_CASE_FIXTURE(Log, "a horizon that was moved excuses nothing") {
        written();
        tidy();

        SUBCASE("moved on") {
            run("UPDATE audit_horizon SET below = 30; DELETE FROM audit_entry WHERE seq < 30");
            auto found = wrong();
            REQUIRE(found.size() == 2);
            CHECK(found[0] == "entries 0 to 29 were deleted");
        }
        SUBCASE("taken away") {
            tamper("DELETE FROM audit_horizon");
            CHECK(names(wrong(), "entries 0 to 24 were deleted"));
        }
        SUBCASE("moved on, and nothing deleted yet") {
            run("UPDATE audit_horizon SET below = 30");
            CHECK_FALSE(wrong().empty());
        }
        SUBCASE("that of another log") {
            tamper("UPDATE audit_horizon SET note = replace(note, 'org_', 'org_0')");
            CHECK_FALSE(wrong().empty());
        }
    }

    TEST_CASE_FIXTURE(Log, "an older state of the database goes on from there") {
        record(40);
        sign();
        auto file = folder.path() / "older.db";
        store->backup_to(file);
        clock.advance(days(366));
        tidy();
        REQUIRE(texts() == 0);

        store::Store older({.file = file, .durability = store::Durability::relaxed}, steps);
        audit::Notary again(older, keys, "fairlead.example");
        auto found = [&] {
            return older
                .read([&](store::Connection& db) {
                    return audit::check_database(db, again.verifier());
                })
                .value()
                .at(0)
                .bad;
        };
        CHECK(found().empty());
        REQUIRE(audit::Retention(older, plans, again).tidy(clock.now()));
        CHECK(found().empty());
    }

    TEST_CASE_FIXTURE(Log, "what was altered or taken out is not dropped") {
        written();
        SUBCASE("the first") {
            tamper("UPDATE audit_entry SET actor_label = 'bob' WHERE seq = 0");
            tidy();
            CHECK(texts() == 40);
            CHECK(names(wrong(), "entry 0 was altered"));
        }
        SUBCASE("one between") {
            tamper("DELETE FROM audit_entry WHERE seq = 7");
            tidy();
            tidy();
            CHECK(texts() == 32);
            CHECK(names(wrong(), "entry 7 was deleted"));
        }
        SUBCASE("one whose time was set back") {
            tamper("UPDATE audit_entry SET at_ms = 0 WHERE seq >= 25");
            tidy();
            CHECK(texts() == 15);
            CHECK(names(wrong(), "entry 25 was altered"));
        }
    }

    TEST_CASE("what was dropped before horizons were signed is taken over once") {
        store::TemporaryFolder folder;
        auto file = folder.path() / "old.db";
        std::vector<store::Migration> steps{
            {1, "orgs", orgs::first_tables}, {2, "audit", audit::first_tables}};
        FakeClock clock;
        auto keys = crypto::Keystore::ephemeral();
        auto seed = crypto::SigningKey::generate();
        auto org = api::ScopeIssuer::scope(OrgId::make(clock.now()));
        auto origin = "fairlead.example/audit/" + org.org().str();
        std::string later, names = "entries 25 to 27 were deleted";
        SUBCASE("as far as it was allowed") {}
        SUBCASE("but not what a checkpoint shows to be younger") {
            later = "DROP TRIGGER audit_entry_kept; DELETE FROM audit_entry WHERE seq < 28;";
        }
        SUBCASE("and a log that was altered keeps the others from nothing") {
            later = "DROP TRIGGER audit_leaf_kept; DELETE FROM audit_leaf WHERE seq = 3;";
            names = "entries 0 to 19 were deleted";
        }
        {
            store::Store store({.file = file, .durability = store::Durability::relaxed}, steps);
            audit::Log log(clock);
            auto record = [&](int count) {
                REQUIRE(store.write([&](store::UnitOfWork& unit) -> Result<> {
                    for (int i = 0; i < count; ++i) {
                        log.record(unit, org, {}, {"environment.edit", "environment", "env_1", ""});
                        clock.advance(1s);
                    }
                    auto size = audit::Tree(unit.db(), org).size().value();
                    crypto::Checkpoint state{
                        origin, static_cast<std::uint64_t>(size),
                        audit::Tree(unit.db(), org).root(size).value()};
                    FAIRLEAD_CHECK(unit.db().run(
                        "INSERT INTO audit_checkpoint (org_id, size, at_ms, note)"
                        " VALUES ($1, $2, $3, $4)",
                        org.org(), size, clock.now(),
                        crypto::sign_note(state.str(), "fairlead.example/audit", seed)
                    ));
                    return {};
                }));
            };
            record(20);
            clock.advance(days(366));
            auto before = clock.now() - 1s;
            record(5);
            record(15);
            REQUIRE(store.write([&](store::UnitOfWork& unit) -> Result<> {
                FAIRLEAD_CHECK(unit.db().run(
                    "INSERT INTO audit_retention (org_id, before_ms) VALUES ($1, $2)", org.org(),
                    before
                ));
                FAIRLEAD_CHECK(unit.db().run("DELETE FROM audit_entry WHERE seq < 20"));
                FAIRLEAD_CHECK(unit.db().run(
                    "INSERT INTO audit_key (id, name, public_key, sealed_seed) VALUES (1, $1, $2,"
                    " $3)",
                    "fairlead.example/audit", store::Blob{seed.verify_key().bytes()},
                    store::Blob{keys.seal(seed.seed(), "audit_key/1")}
                ));
                unit.db().script(later);
                return {};
            }));
        }
        steps.push_back({3, "signed horizons", audit::signed_horizons});
        store::Store store({.file = file, .durability = store::Durability::relaxed}, steps);
        auto notary = std::make_unique<audit::Notary>(store, keys, "fairlead.example");
        auto found = [&] {
            return store
                .read([&](store::Connection& db) {
                    return audit::check_database(db, notary->verifier());
                })
                .value()
                .at(0)
                .bad;
        };
        if (!later.empty()) {
            REQUIRE(!found().empty());
            CHECK(found()[0] == names);
            return;
        }
        CHECK(found().empty());

        auto run = [&](const char* sql) {
            REQUIRE(store.write([&](store::UnitOfWork& unit) -> Result<> {
                unit.db().script(sql);
                return {};
            }));
        };
        SUBCASE("a restart takes over nothing more") {
            run("UPDATE audit_horizon SET below = 30, note = '';"
                "DELETE FROM audit_entry WHERE seq < 30");
            notary = std::make_unique<audit::Notary>(store, keys, "fairlead.example");
            CHECK(found().at(0) == "entries 0 to 29 were deleted");
        }
        SUBCASE("nor when the key is said to be one from before") {
            run("UPDATE audit_key SET signs_horizons = 0");
            CHECK_THROWS(audit::Notary(store, keys, "fairlead.example"));
        }
    }
}
