#include "fixture.hpp"

using namespace fairlead;
using namespace fairlead::test;
using Strings = std::vector<std::string>;

TEST_SUITE("controller/certificates/trouble") {

    TEST_CASE_FIXTURE(Edge, "a name that fails is tried again later and later") {
        add_domain("shop.example.org");
        add_environment({"shop.example.org"});
        authority.fails = failure("acme_dns");
        for (auto pause : {5min, 15min, 60min, 180min, 360min, 720min, 720min}) {
            CHECK(settle() == 1);
            auto now = row("shop.example.org");
            CHECK(now.state == State::failed);
            CHECK(now.error_code == "acme_dns");
            CHECK(now.next_ms == clock.now() + pause);
            clock.advance(pause - 1ms);
            CHECK(settle() == 0);
            clock.advance(1ms);
        }
        // The log has the reason once, and once more when there is another.
        CHECK(audited() == Strings{"certificate.fail failed"});
        authority.fails = failure("acme_caa");
        settle();
        CHECK(audited().size() == 2);
        authority.fails.reset();
        clock.advance(12h);
        CHECK(settle() == 1);
        auto now = row("shop.example.org");
        CHECK(now.state == State::issued);
        CHECK(now.failures == 0);
        CHECK(!now.failing_since_ms);
    }

    TEST_CASE_FIXTURE(Edge, "what one organization asks for keeps no other one waiting") {
        add_domain("*.example.org");
        add_domain("*.example.net", "verified", other.org());
        Strings many;
        for (int i = 0; i < most_of_org + 5; ++i)
            many.push_back("n" + std::to_string(i) + ".example.org");
        add_environment(many);
        add_environment({"one.example.net"}, "tunnel", other.org());
        CHECK(settle() == most_of_org + 1);
        CHECK(std::ranges::find(authority.asked, "one.example.net") - authority.asked.begin() <= 1);
        CHECK(shown.contains("one.example.net"));
        clock.advance(counted_for - 1ms);
        CHECK(settle() == 0);
        clock.advance(1ms);
        CHECK(settle() == 5);
    }

    TEST_CASE_FIXTURE(Edge, "there is a limit for all of them together, also over restarts") {
        for (int n = 0; n < 4; ++n) {
            auto tenant = OrgId::make(clock.now());
            auto domain = "t" + std::to_string(n) + ".example.org";
            add_domain("*." + domain, "verified", tenant);
            Strings many;
            for (int i = 0; i < 25; ++i) many.push_back("n" + std::to_string(i) + "." + domain);
            add_environment(many, "tunnel", tenant);
        }
        CHECK(settle() == most_in_all);
        start();
        CHECK(settle() == 0);
        clock.advance(counted_for);
        CHECK(settle() == 20);
    }

    TEST_CASE_FIXTURE(Edge, "what concerns all names stops all of them for a while") {
        add_domain("*.example.org");
        add_environment({"a.example.org", "b.example.org"});
        authority.fails = failure("acme_unreachable");
        CHECK(settle() == 1);
        CHECK(certificates->next().value() == clock.now() + 5min);
        auto list = call("GET", "").second;
        for (const auto& one : list.at("data").as_array()) {
            CHECK(one.at("error").at("code").as_string() == "acme_unreachable");
            CHECK(one.at("next_attempt_at").as_string() == to_rfc3339(clock.now() + 5min));
        }
        clock.advance(5min);
        CHECK(settle() == 1);
        CHECK(certificates->next().value() == clock.now() + 15min);
        authority.fails.reset();
        clock.advance(15min);
        CHECK(settle() == 2);
        CHECK(shown.size() == 2);

        SUBCASE("and one that came through ends the counting") {
            authority.fails = failure("acme_unreachable");
            clock.advance(life);
            CHECK(settle() == 1);
            CHECK(certificates->next().value() == clock.now() + 5min);
        }
    }

    TEST_CASE_FIXTURE(Edge, "who asks by hand does not wait, and spends nobody else's attempts") {
        add_domain("*.example.org");
        add_environment({"a.example.org", "b.example.org", "c.example.org"});
        authority.fails = failure("acme_unreachable");
        CHECK(settle() == 1);
        auto ends = certificates->next().value();
        REQUIRE(ends == clock.now() + 5min);
        auto before = authority.asked.size();
        auto id = row("a.example.org").id.str();
        clock.advance(1min);
        auto asked = call("POST", "/" + id + "/renew").second;
        CHECK(asked.at("next_attempt_at").as_string() == to_rfc3339(clock.now()));
        CHECK(certificates->next().value() == clock.now());
        start();
        CHECK(settle() == 1);
        CHECK(authority.asked.size() == before + 1);
        CHECK(authority.asked.back() == "a.example.org");
        // The pause of the others is neither over nor any longer, and counts once.
        CHECK(certificates->next().value() == ends);
        CHECK(row("a.example.org").next_ms == ends);
        CHECK(!row("a.example.org").asked);

        SUBCASE("and when it comes through, the others need not wait either") {
            authority.fails.reset();
            CHECK(call("POST", "/" + id + "/renew").first == 202);
            CHECK(settle() == 3);
            CHECK(authority.asked.at(before + 1) == "a.example.org");
        }
        SUBCASE("and when it fails by itself, it waits by itself") {
            authority.fails = failure("acme_dns");
            CHECK(call("POST", "/" + id + "/renew").first == 202);
            CHECK(settle() == 1);
            CHECK(row("a.example.org").failures == 1);
            CHECK(certificates->next().value() == ends);
        }
        SUBCASE("and the next pause is as long as if nobody had asked") {
            clock.advance(4min);
            CHECK(settle() == 1);
            CHECK(certificates->next().value() == clock.now() + 15min);
        }
    }

    TEST_CASE_FIXTURE(
        Edge, "a limit of one name stops the others for minutes, and itself for hours"
    ) {
        add_domain("*.example.org");
        add_domain("*.example.net", "verified", other.org());
        add_environment({"a.example.org"});
        authority.before = [&](const std::string& name) {
            authority.fails.reset();
            if (name == "a.example.org")
                authority.fails = failure("acme_rate_limited")
                                      .with_fact(said_fact, "too many for secret.example.org");
        };
        CHECK(settle() == 1);
        auto paused = [&] {
            return store->read([&](store::Connection& db) { return certificates->pause(db); }
            ).value();
        };
        for (auto pause : {60min, 180min, 360min, 720min, 720min}) {
            auto limited = row("a.example.org");
            CHECK(limited.next_ms == clock.now() + pause);
            CHECK(
                limited.error_message == "It went wrong. It said: too many for secret.example.org"
            );
            // Everybody is shown why they wait, and nothing of the name that it is about.
            REQUIRE(paused());
            CHECK(paused()->until == clock.now() + 5min);
            CHECK(paused()->message == "It went wrong.");
            clock.advance(pause);
            CHECK(settle() == 1);
        }
        add_environment({"b.example.net"}, "tunnel", other.org());
        CHECK(settle() == 0);
        clock.advance(5min);
        CHECK(settle() == 1);
        CHECK(shown.contains("b.example.net"));
        CHECK(!paused());

        // It goes last, so that nobody waits who is due at the same time.
        clock.advance(row("a.example.org").next_ms - clock.now());
        add_environment({"c.example.net", "d.example.net"}, "tunnel", other.org());
        CHECK(settle() == 3);
        CHECK(authority.asked.back() == "a.example.org");

        // An outage after it is counted from the first step.
        authority.before = nullptr;
        authority.fails = failure("acme_unreachable");
        clock.advance(row("a.example.org").next_ms - clock.now());
        CHECK(settle() == 1);
        CHECK(paused()->until == clock.now() + 5min);
        CHECK(row("a.example.org").next_ms == clock.now() + 5min);
    }

    TEST_CASE_FIXTURE(
        Edge, "what is wrong at the controller itself is looked at every five minutes"
    ) {
        add_domain("a.example.org");
        add_environment({"a.example.org"});
        authority.fails = failure("egress_missing");
        for (int i = 0; i < 3; ++i) {
            CHECK(settle() == 1);
            CHECK(certificates->next().value() == clock.now() + 5min);
            clock.advance(5min);
        }
    }

    TEST_CASE_FIXTURE(Edge, "an authority that has forgotten the account gets to know it again") {
        add_domain("a.example.org");
        add_environment({"a.example.org"});
        bool knows = false;
        authority.before = [&](const std::string&) {
            authority.fails = knows ? std::nullopt : std::optional(failure("acme_unregistered"));
            knows = true;
        };
        CHECK(settle() == 1);
        CHECK(authority.contacts.size() == 2);
        CHECK(shown.size() == 1);

        SUBCASE("once in each attempt") {
            authority.before = [&](const std::string&) {
                authority.fails = failure("acme_unregistered");
            };
            clock.advance(life);
            CHECK(settle() == 1);
            CHECK(authority.contacts.size() == 3);
            CHECK(certificates->next().value() == clock.now() + 5min);
        }
    }

    TEST_CASE_FIXTURE(Edge, "a contact that is another one now is told to the authority") {
        add_domain("a.example.org");
        add_environment({"a.example.org"});
        settle();
        contact = "new@example.org";
        start();
        clock.advance(life);
        settle();
        CHECK(authority.contacts == Strings{"ops@example.org", "new@example.org"});
    }

    TEST_CASE_FIXTURE(Edge, "an account that is refused leaves each name without a certificate") {
        add_domain("a.example.org");
        add_environment({"a.example.org"});
        authority.refuses_account = failure("acme_account");
        CHECK(settle() == 1);
        CHECK(authority.asked.empty());
        CHECK(row("a.example.org").error_code == "acme_account");
    }

    TEST_CASE_FIXTURE(Edge, "people are told after a day of failures, and a week before the end") {
        add_domain("a.example.org");
        add_environment({"a.example.org"});
        settle();
        auto ends = row("a.example.org").not_after_ms.value();
        authority.fails = failure("acme_connection");
        clock.advance(row("a.example.org").next_ms - clock.now());
        settle();
        clock.advance(told_after - 1ms);
        settle();
        CHECK(told.empty());
        clock.advance(1ms);
        settle();
        CHECK(told == Strings{"a.example.org failing"});
        clock.advance(24h);
        settle();
        CHECK(told.size() == 1);
        clock.advance(ends - told_before_end - clock.now());
        settle();
        CHECK(told.size() == 1);
        clock.advance(1ms);
        settle();
        CHECK(told == Strings{"a.example.org failing", "a.example.org ending"});
        start();
        settle();
        CHECK(told.size() == 2);
        // It is served all the same, to its end and beyond: a warning is better than another name.
        CHECK(shown.size() == 1);

        authority.fails.reset();
        clock.advance(12h + 3h);
        settle();
        CHECK(!row("a.example.org").told_failing);
    }

    TEST_CASE_FIXTURE(Edge, "people are told of the end also where it was not even asked for") {
        add_domain("*.example.org");
        add_environment({"a.example.org", "b.example.org"});
        settle();
        auto ends = row("a.example.org").not_after_ms.value();
        SUBCASE("as the operator names no authority any more") {
            configured = false;
            start();
            clock.advance(ends - told_before_end - clock.now());
            settle();
            CHECK(told.empty());
            clock.advance(1ms);
            settle();
            CHECK(why_paused == "acme_not_configured");
        }
        SUBCASE("as all of them wait") {
            clock.advance(ends - told_before_end - clock.now() + 1ms);
            write([&](store::Connection& db) {
                return db.run(
                    "UPDATE acme_account SET paused_until_ms = $1, error_code = 'acme_unreachable'",
                    clock.now() + 1h
                );
            });
            settle();
            CHECK(why_paused == "acme_unreachable");
        }
        // One letter for both.
        CHECK(told == Strings{"a.example.org b.example.org ending"});
        start();
        settle();
        CHECK(told.size() == 1);
    }

    TEST_CASE_FIXTURE(Edge, "a short life is no trouble before its renewal is a day late") {
        add_domain("a.example.org");
        add_environment({"a.example.org"});
        authority.answer = [&](const Order& order) {
            return authority.signed_for(order, {order.name}, 24h * 6);
        };
        settle();
        configured = false;
        start();
        clock.advance(row("a.example.org").next_ms - clock.now() + told_after - 1ms);
        settle();
        CHECK(told.empty());
        clock.advance(1ms);
        settle();
        CHECK(told == Strings{"a.example.org ending"});
    }

    TEST_CASE_FIXTURE(Edge, "many that fail at once make a letter for each organization") {
        add_domain("*.example.org");
        add_domain("*.example.net", "verified", other.org());
        Strings many;
        for (int i = 0; i < told_at_once; ++i)
            many.push_back("n" + std::to_string(i) + ".example.org");
        add_environment(many);
        add_environment({"b.example.net"}, "tunnel", other.org());
        for (int i = 0; i < 2; ++i) REQUIRE(certificates->sync());
        write([&](store::Connection& db) {
            return db.run(
                "UPDATE certificate SET state = 'failed', failing_since_ms = $1",
                clock.now() - told_after
            );
        });
        // As many as are looked at in one go, and the rest with the next.
        REQUIRE(certificates->watch());
        REQUIRE(certificates->watch());
        REQUIRE(certificates->watch());
        CHECK(told.size() <= 3);
        std::string all;
        for (const auto& letter : told) all += letter;
        for (const auto& name : many) CHECK(all.find(name + " ") != std::string::npos);
        CHECK(all.find("b.example.net failing") != std::string::npos);
    }
}
