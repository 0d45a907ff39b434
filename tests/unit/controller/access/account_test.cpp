#include "../support/site.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    Site site;
    UserId ann = site.add_user("ann@example.org");
    OrgId org = site.org_of("ann@example.org");
    Browser browser;

    Fixture() { REQUIRE(sign_in("ann@example.org").status == 200); }
    Reply sign_in(const std::string& email) {
        return post("session", {{"email", email}, {"password", Site::password}});
    }
    Reply post(const std::string& path, boost::json::value body) {
        return site.send(browser, "POST", "/api/v1/" + path, std::move(body));
    }
    Reply remove(const std::string& confirm) {
        api::Request request;
        request.method = api::Method::remove;
        request.path = "/api/v1/account";
        request.headers = {
            {"sec-fetch-site", "same-origin"},
            {"cookie", "__Host-fairlead=" + browser.cookie},
            {"x-confirm", confirm}};
        return site.send_raw(std::move(request));
    }
    void execute(store::Sql sql, const UserId& user) {
        REQUIRE(site.store->write([&](store::UnitOfWork& unit) { return unit.db().run(sql, user); })
        );
    }
};

} // namespace

TEST_SUITE("controller/access/account") {

    TEST_CASE_FIXTURE(Fixture, "an account shows who it is and how it is secured") {
        auto reply = site.send(browser, "GET", "/api/v1/account");
        CHECK(reply.status == 200);
        CHECK(reply.json.at("email") == "ann@example.org");
        CHECK(reply.json.at("has_password") == true);
        CHECK(reply.json.at("operator") == false);
        CHECK(reply.json.at("second_factors").as_array().empty());
        CHECK(reply.json.at("totp_since").is_null());
        CHECK(reply.text.find("argon2") == std::string::npos);
    }

    TEST_CASE_FIXTURE(Fixture, "a new name is seen at once, in the session too") {
        auto reply = site.send(browser, "PATCH", "/api/v1/account", {{"name", "Ann Müller"}});
        CHECK(reply.status == 200);
        CHECK(reply.json.at("name") == "Ann Müller");
        CHECK(
            site.send(browser, "GET", "/api/v1/session").json.at("user").at("name") == "Ann Müller"
        );
        CHECK(site.send(browser, "PATCH", "/api/v1/account", {{"name", ""}}).status == 400);
        CHECK(site.audited(org).back() == "user.rename ok");
    }

    TEST_CASE_FIXTURE(Fixture, "a new e-mail address holds once it is confirmed") {
        CHECK(post("account/email", {{"email", "ann@example.org"}}).code() == "validation_failed");
        CHECK(post("account/email", {{"email", "Ann@Example.net"}}).status == 202);
        CHECK(sign_in("ann@example.org").status == 200);
        auto token = site.token_mailed_to("ann@example.net");
        auto verified = post("email/verify", {{"token", token}});
        CHECK(verified.json.at("email") == "ann@example.net");
        CHECK(verified.json.at("changed") == true);
        CHECK(
            site.mailed_to("ann@example.org").subject ==
            "Your account has another e-mail address now"
        );
        CHECK(
            site.send(browser, "GET", "/api/v1/session").json.at("user").at("email") ==
            "ann@example.net"
        );
        CHECK(sign_in("ann@example.org").status == 401);
        CHECK(sign_in("ann@example.net").status == 200);
        CHECK(post("email/verify", {{"token", token}}).code() == "link_invalid");
    }

    TEST_CASE_FIXTURE(Fixture, "another person's address is not taken, and not told either") {
        site.add_user("bob@example.org");
        CHECK(post("account/email", {{"email", "bob@example.org"}}).status == 202);
        CHECK(site.letters_to("bob@example.org") == 0);

        // It was free when it was asked for.
        CHECK(post("account/email", {{"email", "eve@example.org"}}).status == 202);
        site.add_user("eve@example.org");
        auto late = post("email/verify", {{"token", site.token_mailed_to("eve@example.org")}});
        CHECK(late.status == 409);
        CHECK(late.code() == "email_taken");
        CHECK(sign_in("ann@example.org").status == 200);
    }

    TEST_CASE_FIXTURE(Fixture, "a link of before a change of address opens nothing any more") {
        Browser other;
        REQUIRE(
            site.send(
                    other, "POST", "/api/v1/password/forgot", {{"email", "ann@example.org"}}
            ).status == 202
        );
        auto reset = site.token_mailed_to("ann@example.org");
        REQUIRE(post("account/email", {{"email", "ann@example.net"}}).status == 202);
        REQUIRE(
            post("email/verify", {{"token", site.token_mailed_to("ann@example.net")}}).status == 200
        );
        CHECK(
            post(
                "password/reset", {{"token", reset}, {"password", "four new words of mine"}}
            ).code() == "link_invalid"
        );
    }

    TEST_CASE_FIXTURE(Fixture, "the only owner of an organization stays, and hears of which") {
        CHECK(remove("").code() == "confirmation_required");
        CHECK(remove("bob@example.org").code() == "confirmation_mismatch");
        auto refused = remove("ann@example.org");
        CHECK(refused.status == 409);
        CHECK(refused.code() == "sole_owner");
        CHECK(refused.json.at("organization") == "Org of ann@example.org");
        CHECK(site.send(browser, "GET", "/api/v1/session").status == 200);
    }

    TEST_CASE_FIXTURE(Fixture, "who leaves takes everything along but the trail") {
        auto bob = site.add_user("bob@example.org");
        REQUIRE(site.store->write([&](store::UnitOfWork& unit) {
            return orgs::Memberships(unit.db()).add(org, bob, "admin", true, site.clock.now());
        }));
        REQUIRE(post("account/totp", nullptr).status == 200);
        bool asked = false;
        site.account.on_remove([&](store::UnitOfWork& unit, const UserId& user) -> Result<> {
            asked = user == ann;
            FAIRLEAD_CHECK(unit.db().run("DELETE FROM membership WHERE user_id = $1", user));
            return {};
        });
        auto gone = remove("ann@example.org");
        CHECK(gone.status == 204);
        CHECK(gone.cookie == "-");
        CHECK(asked);
        CHECK(site.send(browser, "GET", "/api/v1/session").status == 401);
        CHECK(site.ended.size() == 1);
        CHECK(sign_in("ann@example.org").code() == "sign_in_failed");
        CHECK(site.audited(org).back() == "user.delete ok");
        for (const char* email : {"ann@example.org"}) {
            auto left = site.store->read([&](store::Connection& db) {
                return db.one<std::int64_t>(
                    "SELECT (SELECT count(*) FROM membership WHERE user_id = $1)"
                    " + (SELECT count(*) FROM totp WHERE user_id = $1)"
                    " + (SELECT count(*) FROM challenge WHERE user_id = $1)"
                    " + (SELECT count(*) FROM app_user WHERE email = $2)",
                    ann, email
                );
            });
            CHECK(left.value() == 0);
        }
    }

    TEST_CASE_FIXTURE(Fixture, "the last one who looks after the installation stays") {
        site.add_user("bob@example.org");
        execute("UPDATE app_user SET operator = 1 WHERE id = $1", ann);
        execute("UPDATE membership SET owner = 0 WHERE user_id = $1", ann);
        CHECK(remove("ann@example.org").code() == "last_operator");
        execute("UPDATE app_user SET operator = 1 WHERE id <> $1", ann);
        CHECK(remove("ann@example.org").status == 204);
    }

    TEST_CASE_FIXTURE(
        Fixture, "mails that wait are shown to whoever looks after the installation"
    ) {
        CHECK(
            site.send(browser, "GET", "/api/v1/installation/links").code() == "operator_required"
        );
        execute("UPDATE app_user SET operator = 1 WHERE id = $1", ann);
        CHECK(site.send(browser, "GET", "/api/v1/installation/links")
                  .json.at("data")
                  .as_array()
                  .empty());

        Browser other;
        REQUIRE(
            site.send(
                    other, "POST", "/api/v1/password/forgot", {{"email", "ann@example.org"}}
            ).status == 202
        );
        auto shown = site.send(browser, "GET", "/api/v1/installation/links").json.at("data");
        REQUIRE(shown.as_array().size() == 1);
        CHECK(shown.at(0).at("kind") == "reset_password");
        CHECK(shown.at(0).at("email") == "ann@example.org");
        CHECK(shown.at(0).at("link").is_null()); // the mail server will bring it

        site.clock.advance(std::chrono::minutes(16));
        CHECK(site.send(browser, "GET", "/api/v1/installation/links").code() == "step_up_required");
    }

    TEST_CASE_FIXTURE(
        Fixture, "without a mail server the link is shown, and that is written down"
    ) {
        execute("UPDATE app_user SET operator = 1 WHERE id = $1", ann);
        Browser other;
        REQUIRE(
            site.send(
                    other, "POST", "/api/v1/password/forgot", {{"email", "ann@example.org"}}
            ).status == 202
        );
        auto token = site.token_mailed_to("ann@example.org");
        mail::Outbox by_hand(site.store.store(), site.keys, mail::Delivery::by_hand);
        access::Account account(
            {site.store.store(), site.sessions, site.accounts, site.factors, site.keys, by_hand}
        );
        auto shown = account.pending({"192.0.2.1", "", "", "", site.clock.now()}, ann, {});
        REQUIRE(shown->size() == 1);
        CHECK(shown->at(0).link.reveal() == "https://fairlead.example/reset-password#" + token);
        auto installation = api::ScopeIssuer::installation().org();
        CHECK(site.audited(installation).back() == "installation.view_links ok");
        CHECK(site.audited(org).back() == "user.forgot_password ok");
    }
}
