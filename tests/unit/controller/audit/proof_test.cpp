// The log proves itself: trees, checkpoints, exports, and what an attacker with the database can
// do.
#include "common/crypto/encoding.hpp"
#include "controller/audit/tree.hpp"
#include "controller/audit/witnesses.hpp"
#include "signed_log.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include <sstream>

using namespace fairlead;
using namespace std::chrono_literals;
namespace merkle = crypto::merkle;

namespace {

using Site = test::SignedLog;
using test::names;

} // namespace

TEST_SUITE("controller/audit/proof") {

    TEST_CASE_FIXTURE(Site, "the stored tree is the tree of the definition, at every size") {
        record(700);
        auto checked = store->read([&](store::Connection& db) -> Result<> {
            audit::Tree tree(db, org);
            merkle::Roots roots;
            CHECK(tree.size().value() == 700);
            auto leaves = tree.leaves(0, 700).value();
            for (std::int64_t size = 1; size <= 700; ++size) {
                roots.add(leaves[static_cast<std::size_t>(size - 1)]);
                REQUIRE(tree.root(size).value() == roots.root());
            }
            for (std::int64_t seq : {0, 255, 256, 511, 512, 699}) {
                auto path = tree.inclusion(seq, 700).value();
                CHECK(merkle::verify_inclusion(
                    leaves[static_cast<std::size_t>(seq)], static_cast<std::uint64_t>(seq), 700,
                    path, roots.root()
                ));
            }
            CHECK_FALSE(tree.root(701));
            return {};
        });
        REQUIRE(checked);
    }

    TEST_CASE_FIXTURE(Site, "checkpoints are signed while there is news, and open with the key") {
        sign();
        record(3);
        sign();
        sign();
        record(1);
        sign();
        auto notes = store->read([&](store::Connection& db) {
            return db.all<std::string>("SELECT note FROM audit_checkpoint ORDER BY size");
        });
        REQUIRE(notes.value().size() == 2);
        auto text = crypto::open_note(notes.value()[1], notary.verifier());
        REQUIRE(text);
        auto checkpoint = crypto::Checkpoint::parse(*text).value();
        CHECK(checkpoint.size == 4);
        CHECK(checkpoint.origin == "fairlead.example/audit/" + org.org().str());
        CHECK(wrong().empty());
    }

    TEST_CASE_FIXTURE(Site, "the key outlives the program, and no other opens what it sealed") {
        audit::Notary again(store.store(), keys, "renamed.example");
        CHECK(again.verifier().str() == notary.verifier().str());
        auto others = crypto::Keystore::ephemeral();
        CHECK_THROWS(audit::Notary(store.store(), others, "fairlead.example"));
    }

    TEST_CASE_FIXTURE(Site, "whatever is done to the database by hand is found") {
        record(10);
        sign();
        record(10);
        sign();
        REQUIRE(wrong().empty());

        SUBCASE("an entry is edited") {
            tamper("UPDATE audit_entry SET actor_label = 'bob@example.org' WHERE seq = 7");
            CHECK(names(wrong(), "entry 7 was altered"));
        }
        SUBCASE("an entry is edited, and its hash with it") {
            tamper("UPDATE audit_entry SET actor_label = 'bob@example.org' WHERE seq = 13");
            store::Blob leaf =
                store
                    ->read([&](store::Connection& db) -> Result<store::Blob> {
                        auto entries = audit::EntryRepo(db, org).from(13, 14, 1).value();
                        auto hash = merkle::leaf_hash(audit::leaf_of(entries.at(0), org.org()));
                        return store::Blob{std::string(hash.view())};
                    })
                    .value();
            auto done = store->write([&](store::UnitOfWork& unit) {
                return unit.db().run("UPDATE audit_leaf SET hash = $1 WHERE seq = 13", leaf);
            });
            REQUIRE(done);
            CHECK(names(wrong(), "entries 10 to 19 are not those that were signed"));
        }
        SUBCASE("an entry is deleted") {
            tamper("DELETE FROM audit_entry WHERE seq = 4");
            CHECK(names(wrong(), "entry 4 was deleted"));
        }
        SUBCASE("an entry is deleted with its hash") {
            tamper("DELETE FROM audit_entry WHERE seq = 4; DELETE FROM audit_leaf WHERE seq = 4");
            CHECK(names(wrong(), "the hash of entry 4 is missing"));
        }
        SUBCASE("an entry holds what none can hold") {
            tamper("UPDATE audit_entry SET after_json = '{' WHERE seq = 6;"
                   "UPDATE audit_entry SET id = 'nobody' WHERE seq = 8;"
                   "UPDATE audit_entry SET at_ms = 'then' WHERE seq = 9;");
            auto found = wrong();
            REQUIRE(found.size() == 3);
            CHECK(found[0].starts_with("entry 6 was altered"));
            CHECK(found[1].starts_with("entry 8 was altered"));
            CHECK(found[2].starts_with("entry 9 was altered"));
        }
        SUBCASE("two entries change places") {
            tamper("UPDATE audit_entry SET seq = -1 WHERE seq = 5;"
                   "UPDATE audit_entry SET seq = 5 WHERE seq = 6;"
                   "UPDATE audit_entry SET seq = 6 WHERE seq = -1;");
            CHECK(names(wrong(), "entry 5 was altered"));
        }
        SUBCASE("the end is cut off") {
            tamper("DELETE FROM audit_entry WHERE seq >= 15; DELETE FROM audit_leaf WHERE seq >= 15"
            );
            CHECK(names(wrong(), "the log ends after 15 entries, but 20 were signed"));
        }
        SUBCASE("a root that proofs are made of is edited") {
            record(300);
            tamper("UPDATE audit_node SET hash = zeroblob(32)");
            CHECK(names(wrong(), "the tree above entry 255 was altered"));
        }
        SUBCASE("a checkpoint is replaced by one of another key") {
            auto note = crypto::sign_note(
                crypto::Checkpoint{notary.origin(org.org()), 20, {}}.str(), notary.verifier().name,
                crypto::SigningKey::generate()
            );
            tamper("");
            auto done = store->write([&](store::UnitOfWork& unit) {
                return unit.db().run("UPDATE audit_checkpoint SET note = $1 WHERE size = 20", note);
            });
            REQUIRE(done);
            CHECK(names(wrong(), "a checkpoint is not what was signed"));
        }
        SUBCASE("an entry is slipped in") {
            tamper("INSERT INTO audit_entry SELECT id || 'X', org_id, 20, at_ms, actor_type,"
                   " actor_id, 'eve', NULL, NULL, action, target_type, target_id, target_name,"
                   " result, address, user_agent, request_id, before_json, after_json"
                   " FROM audit_entry WHERE seq = 3");
            CHECK(names(wrong(), "entry 20 was added without a place"));
        }
    }

    TEST_CASE_FIXTURE(Site, "a log that was altered is not signed again") {
        record(10);
        sign();
        tamper("DELETE FROM audit_entry WHERE seq >= 8; DELETE FROM audit_leaf WHERE seq >= 8");
        record(5);
        auto signed_one = store->write([&](store::UnitOfWork& unit) {
            return notary.sign(unit, org, clock.now());
        });
        REQUIRE(!signed_one);
        CHECK(signed_one.error().kind() == Errc::conflict);
    }

    TEST_CASE_FIXTURE(Site, "an export proves itself with the key alone") {
        for (int i = 0; i < 3; ++i) {
            record(400);
            sign();
        }
        auto text = exported(audit::ExportFormat::jsonl);
        auto verdict = verdict_of(text);
        CHECK(verdict.bad.empty());
        CHECK(verdict.entries == 1200);
        CHECK(verdict.with_text == 1200);
        CHECK(verdict.signed_size == 1200);

        SUBCASE("any changed byte of an entry is found") {
            for (std::size_t at = text.find('\n') + 20; at < text.size(); at += 9973) {
                auto bent = text;
                bent[at] = bent[at] == 'x' ? 'y' : 'x';
                CAPTURE(at);
                CHECK_FALSE(verdict_of(bent).bad.empty());
            }
        }
        SUBCASE("a text that was changed is named, and nothing else is") {
            auto bent = text;
            bent.replace(bent.find("ann@", bent.find("{\"seq\":17,")), 3, "bob");
            auto bad = verdict_of(bent).bad;
            CHECK(bad.size() == 1);
            CHECK(names(bad, "entry 17 was altered"));
        }
        SUBCASE("a text that was changed with its hash is among the named ones") {
            auto bent = text;
            auto from = bent.find("{\"seq\":450,");
            auto hash = bent.find("\"hash\":\"", from) + 8;
            bent.replace(bent.find("ann@", from), 3, "bob");
            auto leaf = bent.find("\"leaf\":", from) + 7;
            auto end = bent.find("}\n", leaf);
            bent.replace(hash, 64, merkle::leaf_hash(bent.substr(leaf, end - leaf)).hex());
            auto bad = verdict_of(bent).bad;
            CHECK(bad.size() == 1);
            CHECK(names(bad, "entries 400 to 799 are not those that were signed"));
        }
        SUBCASE("a line that is missing is named, once") {
            auto from = text.find("{\"seq\":17,");
            auto bent = text;
            bent.erase(from, text.find('\n', from) + 1 - from);
            auto bad = verdict_of(bent).bad;
            CHECK(bad.size() == 1);
            CHECK(names(bad, "entry 17 is missing"));
        }
        SUBCASE("lines that are missing are named") {
            auto bent = text;
            auto from = bent.find("{\"seq\":17,");
            bent.erase(from, bent.find("{\"seq\":21,") - from);
            CHECK(names(verdict_of(bent).bad, "entries 17 to 20 are missing"));
        }
        SUBCASE("a line that was moved is named") {
            auto bent = text;
            auto from = bent.find("{\"seq\":17,");
            auto line = bent.substr(from, bent.find('\n', from) + 1 - from);
            bent.erase(from, line.size());
            bent.insert(bent.find("{\"seq\":30,"), line);
            auto bad = verdict_of(bent).bad;
            REQUIRE(bad.size() == 2);
            CHECK(bad[0] == "entry 17 is missing");
            CHECK(bad[1].starts_with("entry 17 stands after entry 29"));
        }
        SUBCASE("a line too many is named") {
            auto from = text.find("{\"seq\":1199,");
            auto line = text.substr(from, text.find('\n', from) + 1 - from);
            CHECK(names(verdict_of(text + line).bad, "entry 1199 stands after entry 1199"));
            line.replace(0, 11, "{\"seq\":1200");
            CHECK(names(verdict_of(text + line).bad, "the entries from 1200 on were not signed"));
        }
        SUBCASE("a line without an end, and a place far away, are named") {
            auto endless = text.substr(0, text.find("{\"seq\":7,")) + std::string(5'000'000, 'x');
            auto bad = verdict_of(endless).bad;
            CHECK(names(bad, "the line after entry 7 is too long"));
            auto bent = text;
            bent.replace(bent.find("{\"seq\":7,"), 9, "{\"seq\":9223372036854775807");
            CHECK(names(verdict_of(bent).bad, "the line of entry 7 has another form"));
        }
        SUBCASE("an end that is cut off is named") {
            auto bent = text.substr(0, text.find("{\"seq\":1000,"));
            CHECK(names(verdict_of(bent).bad, "the log ends after 1000 entries"));
        }
        SUBCASE("another key does not vouch for it") {
            std::istringstream file(text);
            crypto::NoteVerifier other{
                notary.verifier().name, crypto::SigningKey::generate().verify_key()};
            CHECK_FALSE(audit::check_export(file, other).value().bad.empty());
        }
        SUBCASE("other files are no exports") {
            std::istringstream file("seq,id\n1,2\n");
            CHECK_FALSE(audit::check_export(file, notary.verifier()));
        }
    }

    TEST_CASE_FIXTURE(Site, "what a filter leaves out is there as its hash, and still verifies") {
        record(30, "ann@example.org");
        audit::Filter filter;
        filter.after = clock.now() - 10s;
        auto verdict = verdict_of(exported(audit::ExportFormat::jsonl, filter));
        CHECK(verdict.bad.empty());
        CHECK(verdict.entries == 30);
        CHECK(verdict.with_text == 9);
    }

    TEST_CASE_FIXTURE(Site, "spreadsheets see text, never a formula") {
        record(1, "=HYPERLINK(\"http://evil\")");
        record(1, "@sum");
        record(1, "a,b\r\nc");
        auto text = exported(audit::ExportFormat::csv);
        CHECK(text.find(",\"'=HYPERLINK(\"\"http://evil\"\")\",") != text.npos);
        CHECK(text.find(",'@sum,") != text.npos);
        CHECK(text.find(",\"a,b\r\nc\",") != text.npos);
        for (const char* cell : {"=1", "+1", "-1", "@a", "\ta", "\ra"})
            CHECK(audit::csv_cell(cell).find('\'') <= 1);
        CHECK(audit::csv_cell("a-b") == "a-b");
    }

    TEST_CASE_FIXTURE(Site, "what servers have seen is kept, and their alarms are entries") {
        audit::Witnesses witnesses(store.store(), log, notary, clock);
        auto server = ServerId::make(clock.now());
        auto told = [&](const proto::Witness& held) {
            REQUIRE(witnesses.told(org, server, "one", held));
        };
        auto row = [&] {
            return store
                ->read([&](store::Connection& db) {
                    return audit::WitnessRepo(db, org).find(server);
                })
                .value();
        };
        auto newest = [&](std::uint64_t held, std::int64_t offered = 0) {
            return witnesses.newest(org, held, offered).value();
        };
        auto last_action = [&] {
            return store
                ->read([&](store::Connection& db) {
                    audit::Filter filter;
                    filter.limit = 1;
                    return audit::EntryRepo(db, org).list(filter);
                })
                .value()
                .at(0)
                .action;
        };
        told({});
        CHECK_FALSE(row());
        CHECK_FALSE(newest(0));
        record(20);
        sign();
        auto offer = newest(0);
        REQUIRE(offer);
        CHECK(offer->size == 20);
        CHECK(offer->message.proof.empty());
        CHECK_FALSE(newest(20, 20));
        CHECK(newest(12)->message.proof.size() > 1);
        CHECK(newest(25)->message.proof.empty()); // the log was cut: the server will say so

        proto::Witness held{"key", 20, "root", "", 0};
        told(held);
        CHECK(row()->size == 20);
        CHECK_FALSE(row()->fork);
        CHECK(last_action() == "environment.edit");
        held.fork = "its past was rewritten" + std::string(5000, '!');
        told(held);
        CHECK(last_action() == "audit.fork_found");
        CHECK(row()->fork->size() == 500);
        auto since = row()->fork_at;
        clock.advance(60s);
        held.size = 1ULL << 63;
        told(held);
        CHECK(row()->fork_at == since);
        told({});
        CHECK(last_action() == "audit.witness_reset");
        CHECK_FALSE(row()->fork);
        CHECK(wrong().empty());
    }

    TEST_CASE("canonical JSON is sorted, tight, and free of fractions") {
        boost::json::value value{{"b", 1}, {"a", {1, "x\n\u00e9", nullptr, true}}, {"c", 0.5}};
        CHECK(
            audit::canonical(value) == "{\"a\":[1,\"x\\n\u00e9\",null,true],\"b\":1,\"c\":\"5E-1\"}"
        );
    }
}
