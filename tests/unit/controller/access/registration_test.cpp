#include "../support/site.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    Site site;
    Browser browser;

    Reply post(const std::string& path, boost::json::value body) {
        return site.send(browser, "POST", "/api/v1/" + path, std::move(body));
    }
    Reply enter(const std::string& email, const std::string& password = Site::password) {
        return post("register", {{"email", email}, {"name", "Bob"}, {"password", password}});
    }
    Reply sign_in(const std::string& email, const std::string& password = Site::password) {
        return post("session", {{"email", email}, {"password", password}});
    }
    /// The mailbox decides: neither password of two that were typed counts.
    void reset_and_look() {
        CHECK(sign_in("bob@example.org", "password of a stranger").status == 401);
        auto token = site.token_mailed_to("bob@example.org");
        CHECK(verify(token).code() == "link_invalid");
        CHECK(
            post("password/reset", {{"token", token}, {"password", Site::password}}).status == 204
        );
        CHECK(sign_in("bob@example.org", "password of a stranger").status == 401);
        CHECK(sign_in("bob@example.org").status == 200);
    }
    Reply verify(const std::string& token) { return post("email/verify", {{"token", token}}); }
};

} // namespace

TEST_SUITE("controller/access/registration") {

    TEST_CASE_FIXTURE(
        Fixture, "who registers confirms the address, and has an organization of their own"
    ) {
        CHECK(site.send(browser, "GET", "/api/v1/registration").json.at("registration") == "open");
        auto reply = enter(" Bob@Example.org ");
        CHECK(reply.status == 202);
        CHECK(reply.text.empty());

        auto early = sign_in("bob@example.org");
        CHECK(early.status == 403);
        CHECK(early.code() == "email_unverified");
        CHECK(sign_in("bob@example.org", "not the password").code() == "sign_in_failed");

        auto token = site.token_mailed_to("bob@example.org");
        auto verified = verify(token);
        CHECK(verified.status == 200);
        CHECK(verified.json.at("email") == "bob@example.org");
        CHECK(verified.json.at("changed") == false);
        CHECK(browser.cookie.empty());
        CHECK(verify(token).code() == "link_invalid");

        auto in = sign_in("bob@example.org");
        REQUIRE(in.status == 200);
        const auto& org = in.json.at("orgs").at(0);
        CHECK(org.at("plan") == "free");
        CHECK(org.at("owner") == true);
        CHECK(org.at("name") == "Bob");
        CHECK(
            site.audited(site.org_of("bob@example.org")) ==
            std::vector<std::string>{"org.create ok", "user.verify_email ok", "session.sign_in ok"}
        );
    }

    TEST_CASE_FIXTURE(Fixture, "two people of one name have an organization each") {
        for (const char* email : {"bob@example.org", "bob@example.net"}) {
            REQUIRE(enter(email).status == 202);
            REQUIRE(verify(site.token_mailed_to(email)).status == 200);
        }
        CHECK(site.org_of("bob@example.org") != site.org_of("bob@example.net"));
    }

    TEST_CASE_FIXTURE(Fixture, "the answer does not tell whether an address is known") {
        site.add_user("ann@example.org");
        auto known = enter("ann@example.org", "some other long password");
        auto unknown = enter("bob@example.org");
        CHECK(known.status == unknown.status);
        CHECK(known.text == unknown.text);
        CHECK(site.mailed_to("ann@example.org").subject == "You have an account already");
        CHECK(sign_in("ann@example.org").status == 200); // the password is as it was

        auto forgot = [&](const char* email) {
            return post("password/forgot", {{"email", email}});
        };
        auto resend = [&](const char* email) { return post("email/resend", {{"email", email}}); };
        CHECK(forgot("ann@example.org").text == forgot("nobody@example.org").text);
        CHECK(forgot("nobody@example.net").status == 202);
        CHECK(resend("ann@example.org").status == 202);
        CHECK(resend("nobody@example.org").status == 202);
        CHECK(site.letters_to("nobody@example.org") == 0);
        CHECK(site.mailed_to("ann@example.org").subject == "Choose a new password");
    }

    TEST_CASE_FIXTURE(
        Fixture, "whoever registers first with another person's address gains nothing"
    ) {
        REQUIRE(enter("bob@example.org", "password of a stranger").status == 202);
        auto strangers = site.token_mailed_to("bob@example.org");
        site.clock.advance(1s);
        REQUIRE(enter("bob@example.org").status == 202);
        CHECK(verify(strangers).code() == "link_invalid");
        reset_and_look();
    }

    TEST_CASE_FIXTURE(
        Fixture, "whoever registers after another person with that person's address gains nothing"
    ) {
        REQUIRE(enter("bob@example.org").status == 202);
        auto first = site.token_mailed_to("bob@example.org");
        site.clock.advance(1s);
        REQUIRE(enter("bob@example.org", "password of a stranger").status == 202);
        CHECK(verify(first).code() == "link_invalid");
        reset_and_look();
    }

    TEST_CASE_FIXTURE(Fixture, "an account that is not set up yet is nobody's to register") {
        site.add_user("ann@example.org");
        REQUIRE(site.store->write([&](store::UnitOfWork& unit) {
            return unit.db().run(
                "UPDATE app_user SET verified_ms = NULL, password_hash = '' WHERE email = $1",
                std::string("ann@example.org")
            );
        }));
        CHECK(enter("ann@example.org", "password of a stranger").status == 202);
        CHECK(site.mailed_to("ann@example.org").subject == "You have an account already");
        CHECK(sign_in("ann@example.org", "password of a stranger").status == 401);
    }

    TEST_CASE_FIXTURE(Fixture, "a bad password and a bad address are refused at once") {
        CHECK(enter("bob@example.org", "short").code() == "validation_failed");
        CHECK(enter("bob@example.org", "passwordpassword").code() == "validation_failed");
        CHECK(enter("not an address").status == 400);
        CHECK(site.letters_to("bob@example.org") == 0);
    }

    TEST_CASE_FIXTURE(Fixture, "another link can be asked for, and the one before is void") {
        REQUIRE(enter("bob@example.org").status == 202);
        auto first = site.token_mailed_to("bob@example.org");
        CHECK(post("email/resend", {{"email", "bob@example.org"}}).status == 202);
        auto second = site.token_mailed_to("bob@example.org");
        CHECK(first != second);
        CHECK(verify(first).code() == "link_invalid");
        site.clock.advance(24h);
        CHECK(verify(second).code() == "link_invalid");
        CHECK(post("email/resend", {{"email", "bob@example.org"}}).status == 202);
        CHECK(verify(site.token_mailed_to("bob@example.org")).status == 200);
    }

    TEST_CASE_FIXTURE(Fixture, "an address that was never confirmed is free again after a week") {
        REQUIRE(enter("bob@example.org").status == 202);
        site.clock.advance(24h * 7 - 1ms);
        REQUIRE(site.registration.tidy(site.clock.now()));
        CHECK(sign_in("bob@example.org").code() == "email_unverified");
        site.clock.advance(1ms);
        REQUIRE(site.registration.tidy(site.clock.now()));
        CHECK(sign_in("bob@example.org").code() == "sign_in_failed");
    }

    TEST_CASE("where registration is not open, nobody registers") {
        for (auto openness : {access::Openness::invitation, access::Openness::closed}) {
            Site site;
            access::Registration registration(
                {site.store.store(), site.sessions, site.hasher, site.accounts, site.keys, site.log,
                 site.outbox, access::Letters("https://fairlead.example"), openness}
            );
            auto refused = registration.enter(
                {"192.0.2.1", "", "", "", site.clock.now()}, "bob@example.org", "Bob",
                Secret(Site::password)
            );
            REQUIRE(!refused);
            CHECK(refused.error().kind() == Errc::forbidden);
            CHECK(refused.error().code() == "registration_closed");
            CHECK(site.letters_to("bob@example.org") == 0);
        }
    }

    TEST_CASE_FIXTURE(
        Fixture, "a forgotten password is chosen anew by a mailed link, which ends all sessions"
    ) {
        site.add_user("ann@example.org");
        REQUIRE(sign_in("ann@example.org").status == 200);
        Browser other;
        auto forgot = [&] {
            return site.send(
                other, "POST", "/api/v1/password/forgot", {{"email", "ann@example.org"}}
            );
        };
        REQUIRE(forgot().status == 202);
        auto token = site.token_mailed_to("ann@example.org");
        auto reset = [&](const std::string& with, const char* password) {
            return site.send(
                other, "POST", "/api/v1/password/reset", {{"token", with}, {"password", password}}
            );
        };
        CHECK(reset(token, "short").code() == "validation_failed");
        CHECK(reset(token, "four new words of mine").status == 204);
        CHECK(other.cookie.empty());
        CHECK(site.send(browser, "GET", "/api/v1/session").status == 401);
        CHECK(reset(token, "four new words of mine").code() == "link_invalid");
        CHECK(site.mailed_to("ann@example.org").subject == "Your password was changed");
        CHECK(sign_in("ann@example.org").status == 401);
        CHECK(sign_in("ann@example.org", "four new words of mine").status == 200);

        REQUIRE(forgot().status == 202);
        auto late = site.token_mailed_to("ann@example.org");
        site.clock.advance(1h);
        CHECK(reset(late, "four other words of mine").code() == "link_invalid");
    }

    TEST_CASE_FIXTURE(Fixture, "a link of one kind opens nothing of another") {
        site.add_user("ann@example.org");
        REQUIRE(post("password/forgot", {{"email", "ann@example.org"}}).status == 202);
        CHECK(verify(site.token_mailed_to("ann@example.org")).code() == "link_invalid");
        REQUIRE(enter("bob@example.org").status == 202);
        auto token = site.token_mailed_to("bob@example.org");
        CHECK(
            post(
                "password/reset", {{"token", token}, {"password", "four new words of mine"}}
            ).code() == "link_invalid"
        );
        CHECK(
            post("session/second-factor", {{"challenge", token}, {"code", "123456"}}).code() ==
            "challenge_invalid"
        );
    }

    TEST_CASE_FIXTURE(Fixture, "asking for links gets slower, by account and by address") {
        site.add_user("ann@example.org");
        auto ask = [&](std::string address, std::string email) {
            Browser from{"", std::move(address)};
            return site.send(
                from, "POST", "/api/v1/password/forgot", {{"email", std::move(email)}}
            );
        };
        for (int i = 0; i < 3; ++i)
            CHECK(ask("192.0.2." + std::to_string(10 + i), "ann@example.org").status == 202);
        auto slow = ask("192.0.2.20", "ann@example.org");
        CHECK(slow.status == 429);
        CHECK(slow.retry_after == "1");
        for (int i = 0; i < 3; ++i)
            CHECK(ask("192.0.2.30", "x" + std::to_string(i) + "@example.org").status == 202);
        CHECK(ask("192.0.2.30", "y@example.org").status == 429);
        CHECK(ask("192.0.2.31", "y@example.org").status == 202);
        // An unknown address waits as a known one does.
        for (int i = 0; i < 3; ++i)
            CHECK(ask("192.0.2." + std::to_string(40 + i), "nobody@example.org").status == 202);
        CHECK(ask("192.0.2.50", "nobody@example.org").status == 429);
    }
}
