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

    TEST_CASE_FIXTURE(Edge, "who asks by hand does not wait, unless the authority said so") {
        add_domain("*.example.org");
        add_environment({"a.example.org", "b.example.org"});
        authority.fails = failure("acme_unreachable");
        settle();
        auto id = row("a.example.org").id.str();
        authority.fails.reset();
        CHECK(call("POST", "/" + id + "/renew").second.at("error").is_object());
        CHECK(settle() == 2);
        CHECK(shown.size() == 2);

        authority.fails = failure("acme_rate_limited");
        CHECK(call("POST", "/" + id + "/renew").first == 202);
        CHECK(settle() == 1);
        CHECK(call("POST", "/" + id + "/renew").first == 202);
        CHECK(settle() == 0);
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
}
