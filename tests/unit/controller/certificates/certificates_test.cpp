#include "fixture.hpp"

using namespace fairlead;
using namespace fairlead::test;
using Strings = std::vector<std::string>;

TEST_SUITE("controller/certificates/certificates") {

    TEST_CASE_FIXTURE(Edge, "each name that the edge routes has a certificate of its own") {
        add_domain("shop.example.org");
        add_domain("*.example.net");
        add_domain("pending.example.com", "pending");
        add_domain("failed.example.com", "failed");
        add_domain("theirs.example.com", "verified", other.org());
        add_domain("fairlead.example");
        auto production = add_environment(
            {"shop.example.org", "a.example.net", "deep.a.example.net", "example.net",
             "badexample.net", "*.example.net", "pending.example.com", "failed.example.com",
             "theirs.example.com", "unclaimed.example.com", "fairlead.example"}
        );
        add_environment({"b.example.net"}, "port");
        add_environment({"c.example.net"}, "direct");

        CHECK(settle() == 3);
        Strings expected{"a.example.net", "deep.a.example.net", "shop.example.org"};
        CHECK(names() == expected);
        CHECK(shown.size() == 3);
        CHECK(
            crypto::parse_certificate(shown.at("shop.example.org"))->names.dns ==
            Strings{"shop.example.org"}
        );
        CHECK(authority.contacts == Strings{"ops@example.org"});

        // The same again changes nothing.
        CHECK(settle() == 0);
        CHECK(authority.asked.size() == 3);
        CHECK(row("shop.example.org").state == State::issued);
    }

    TEST_CASE_FIXTURE(Edge, "what was issued is sealed, told, and shown again after a restart") {
        add_domain("shop.example.org");
        add_environment({"shop.example.org"});
        settle();
        CHECK(audited() == Strings{"certificate.issue ok"});
        CHECK(events.types == Strings(3, "certificate.updated")); // new, running, issued
        auto sealed = store
                          ->read([&](store::Connection& db) {
                              return db.one<store::Blob>("SELECT sealed_key FROM certificate");
                          })
                          .value()
                          .value();
        auto id = row("shop.example.org").id;
        CHECK(keys.open(sealed.bytes, key_context(id)));
        CHECK(sealed.bytes.find("PRIVATE KEY") == std::string::npos);

        auto before = shown;
        start();
        CHECK(shown == before);
        CHECK(settle() == 0);
    }

    TEST_CASE_FIXTURE(Edge, "a new master key seals them and the account anew") {
        add_domain("shop.example.org");
        add_environment({"shop.example.org"});
        settle();
        Strings places;
        auto visit = [&](std::string_view sealed,
                         std::string_view place) -> Result<std::optional<std::string>> {
            places.emplace_back(place);
            FAIRLEAD_TRY(value, keys.open(sealed, place));
            return std::optional(keys.seal(value, place));
        };
        write([&](store::Connection& db) { return visit_sealed(db, visit); });
        CHECK(
            places ==
            Strings{
                key_context(row("shop.example.org").id),
                "acme_account/https://acme.example/directory"}
        );
        start();
        CHECK(shown.size() == 1);
    }

    TEST_CASE_FIXTURE(Edge, "it is renewed after two thirds of its life, with a new key") {
        add_domain("shop.example.org");
        add_environment({"shop.example.org"});
        settle();
        auto first = shown.at("shop.example.org");
        auto renewal = renewal_at(clock.now() - 1h, clock.now() - 1h + life, 0.5);
        CHECK(row("shop.example.org").next_ms == renewal);
        CHECK(certificates->next().value() == renewal);

        clock.advance(renewal - clock.now() - 1ms);
        CHECK(settle() == 0);
        clock.advance(1ms);
        CHECK(settle() == 1);
        auto second = shown.at("shop.example.org");
        CHECK(
            crypto::parse_certificate(first)->spki_sha256 !=
            crypto::parse_certificate(second)->spki_sha256
        );
        CHECK(audited() == Strings{"certificate.issue ok", "certificate.renew ok"});
    }

    TEST_CASE_FIXTURE(Edge, "a name that is not routed any more loses it, its key and its face") {
        add_domain("*.example.org");
        auto shop = add_environment({"shop.example.org"});
        add_environment({"other.example.org"});
        settle();
        REQUIRE(shown.size() == 2);
        expose(shop, "port");
        settle();
        CHECK(names() == Strings{"other.example.org"});
        CHECK(shown.size() == 1);
        CHECK(events.types.back() == "certificate.deleted");
        CHECK(audited().back() == "certificate.remove ok");

        SUBCASE("and gets a new one when it comes back") {
            expose(shop, "tunnel");
            CHECK(settle() == 1);
            CHECK(shown.size() == 2);
        }
        SUBCASE("also where its organization is gone with all its rows") {
            write([&](store::Connection& db) -> Result<> {
                FAIRLEAD_CHECK(erase(db, org));
                FAIRLEAD_CHECK(db.run("DELETE FROM environment"));
                return {};
            });
            settle();
            CHECK(shown.empty());
        }
        SUBCASE("and goes to another organization only after it was hidden here") {
            write([&](store::Connection& db) -> Result<> {
                FAIRLEAD_CHECK(db.run("UPDATE domains SET org_id = $1", other.org()));
                FAIRLEAD_CHECK(db.run("UPDATE environment SET org_id = $1", other.org()));
                return {};
            });
            REQUIRE(certificates->sync());
            CHECK(shown.empty());
            CHECK(names().empty());
            CHECK(settle() == 1);
            CHECK(names().empty());
            CHECK(shown.size() == 1);
        }
    }

    TEST_CASE_FIXTURE(Edge, "a name that is taken away while it is asked for gets nothing") {
        add_domain("shop.example.org");
        auto shop = add_environment({"shop.example.org"});
        authority.before = [&](const std::string&) {
            expose(shop, "port");
            REQUIRE(certificates->sync());
        };
        settle();
        CHECK(shown.empty());
        CHECK(names().empty());
    }

    TEST_CASE_FIXTURE(Edge, "wherever the program is killed, the next one goes on") {
        add_domain("shop.example.org");
        add_environment({"shop.example.org"});
        SUBCASE("while the authority is asked") {
            authority.before = [](const std::string&) { throw std::runtime_error("killed"); };
            REQUIRE(certificates->sync());
            CHECK_THROWS(static_cast<void>(certificates->step({})));
            CHECK(row("shop.example.org").running);
            authority.before = nullptr;
        }
        SUBCASE("after the authority has answered, and before that is written down") {
            authority.answer = [](const Order&) -> std::string {
                throw std::runtime_error("killed");
            };
            REQUIRE(certificates->sync());
            CHECK_THROWS(static_cast<void>(certificates->step({})));
            authority.answer = nullptr;
        }
        SUBCASE("by a stop") {
            authority.fails = failure("stopped");
            REQUIRE(certificates->sync());
            REQUIRE(certificates->step({}).value());
            CHECK(row("shop.example.org").state == State::waiting);
            CHECK(row("shop.example.org").failures == 0);
            authority.fails.reset();
        }
        start();
        CHECK(shown.empty());
        CHECK(!row("shop.example.org").running);
        CHECK(settle() == 1);
        CHECK(shown.size() == 1);
        CHECK(authority.contacts.size() == 1);
    }

    TEST_CASE_FIXTURE(Edge, "what the authority sends is looked at before it is shown") {
        add_domain("shop.example.org");
        add_environment({"shop.example.org"});
        auto stranger = crypto::P256Key::generate().public_der();
        struct Row {
            const char* name;
            std::function<std::string(const Order&)> answer;
            const char* says;
        };
        const std::vector<Row> wrong{
            {"rubbish", [](const Order&) { return "rubbish"; }, "cannot be read"},
            {"another key",
             [&](const Order& o) { return authority.signed_for(o, {o.name}, life, stranger); },
             "for another key"},
            {"another name",
             [&](const Order& o) { return authority.signed_for(o, {"a.example.org"}, life); },
             "for another name"},
            {"over already",
             [&](const Order& o) { return authority.signed_for(o, {o.name}, 30min); },
             "that ended on"},
        };
        for (const auto& one : wrong) {
            CAPTURE(one.name);
            authority.answer = one.answer;
            clock.advance(24h);
            CHECK(settle() == 1);
            CHECK(shown.empty());
            auto now = row("shop.example.org");
            CHECK(now.error_code == "acme_bad_certificate");
            CHECK(now.error_message.find(one.says) != std::string::npos);
        }
        authority.answer = nullptr;
        clock.advance(24h);
        settle();
        CHECK(row("shop.example.org").error_code.empty());
        CHECK(shown.size() == 1);
    }

    TEST_CASE_FIXTURE(
        Edge, "people ask for one before its time, and not more often than it helps"
    ) {
        add_domain("shop.example.org");
        add_environment({"shop.example.org"});
        settle();
        auto id = row("shop.example.org").id.str();
        // Of one that was just issued another would be no better.
        clock.advance(fresh_for - 1h - 1ms);
        auto [fresh, why] = call("POST", "/" + id + "/renew");
        CHECK(fresh == 409);
        CHECK(code(why) == "certificate_fresh");
        CHECK(
            why.at("detail").as_string().find(to_rfc3339(clock.now() + 1ms)) != std::string::npos
        );
        clock.advance(1ms);
        bool woken = false;
        certificates->on_due([&] { woken = true; });
        auto [status, asked] = call("POST", "/" + id + "/renew");
        CHECK(status == 202);
        CHECK(woken);
        CHECK(asked.at("next_attempt_at").as_string() == to_rfc3339(clock.now()));
        CHECK(audited().back() == "certificate.ask ok");
        CHECK(settle() == 1);
        CHECK(code(call("POST", "/" + id + "/renew").second) == "certificate_fresh");
        authority.fails = failure("acme_dns");
        clock.advance(fresh_for);
        for (int i = 0; i < most_for_name; ++i) {
            CHECK(call("POST", "/" + id + "/renew").first == 202);
            CHECK(settle() == 1);
        }
        auto [refused, problem] = call("POST", "/" + id + "/renew");
        CHECK(refused == 409);
        CHECK(code(problem) == "too_many_attempts");
        clock.advance(counted_for);
        CHECK(call("POST", "/" + id + "/renew").first == 202);

        authority.fails.reset();
        authority.before = [&](const std::string&) {
            CHECK(code(call("POST", "/" + id + "/renew").second) == "certificate_running");
        };
        CHECK(settle() == 1);
        CHECK(call("GET", "/crt_01K00000000000000000000000").first == 404);
        CHECK(call("GET", "").second.at("data").as_array().size() == 1);
    }

    TEST_CASE_FIXTURE(Edge, "without an authority nothing is asked for, and each name says so") {
        configured = false;
        start();
        add_domain("shop.example.org");
        add_environment({"shop.example.org"});
        CHECK(settle() == 0);
        auto list = call("GET", "").second;
        const auto& one = list.at("data").as_array().at(0);
        CHECK(one.at("state").as_string() == "waiting");
        CHECK(one.at("error").at("code").as_string() == "acme_not_configured");
        CHECK(one.at("next_attempt_at").is_null());
        auto id = row("shop.example.org").id.str();
        CHECK(code(call("POST", "/" + id + "/renew").second) == "acme_not_configured");
        CHECK(!certificates->next().value());
    }
}
