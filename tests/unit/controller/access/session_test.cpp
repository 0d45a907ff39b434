#include "../support/site.hpp"
#include "controller/access/permissions.hpp"
#include "controller/access/waits.hpp"

#include <doctest/doctest.h>

#include <thread>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;

namespace {

const auto sign_in = boost::json::value{{"email", "ann@example.org"}, {"password", Site::password}};

boost::json::value with_password(std::string_view password) {
    return {{"email", "ann@example.org"}, {"password", password}};
}

} // namespace

TEST_SUITE("controller/access/session") {

    TEST_CASE("signing in gives a session that says who, where and what is allowed") {
        Site site;
        site.add_user("ann@example.org");
        Browser browser;
        CHECK(site.send(browser, "GET", "/api/v1/session").status == 401);

        auto reply = site.send(
            browser, "POST", "/api/v1/session",
            {{"email", " Ann@Example.org "}, {"password", Site::password}}
        );
        REQUIRE(reply.status == 200);
        CHECK(browser.cookie.starts_with("fls_"));
        CHECK(reply.text.find(browser.cookie) == std::string::npos);
        CHECK(reply.json.at("user").at("email") == "ann@example.org");
        CHECK(reply.json.at("orgs").at(0).at("role") == "admin");
        CHECK(
            reply.json.at("orgs").at(0).at("permissions").as_array().size() ==
            access::permissions().size()
        );
        CHECK(reply.json.at("controller").at("fingerprint") == "cGlu");
        auto again = site.send(browser, "GET", "/api/v1/session");
        CHECK(again.json == reply.json);
        CHECK(
            site.audited(site.org_of("ann@example.org")) ==
            std::vector<std::string>{"session.sign_in ok"}
        );
    }

    TEST_CASE("the cookie is Secure, HttpOnly, SameSite=Lax and bound to the host [S-SESS-01] "
              "[S-SESS-02] [S-SESS-03]") {
        Site site;
        site.add_user("ann@example.org");
        api::Request request;
        request.method = api::Method::post;
        request.path = "/api/v1/session";
        request.body = boost::json::serialize(sign_in);
        request.at = site.clock.now();
        std::string pattern;
        auto response = site.router->handle(request, pattern);
        REQUIRE(response.headers.size() == 1);
        auto [name, value] = response.headers[0];
        CHECK(name == "Set-Cookie");
        CHECK(value.substr(0, value.find('=')) == "__Host-fairlead");
        CHECK(
            value.substr(value.find(';')) ==
            "; Path=/; Max-Age=604800; Secure; HttpOnly; SameSite=Lax"
        );
    }

    TEST_CASE("the store holds neither passwords nor session ids") {
        Site site;
        site.add_user("ann@example.org");
        Browser browser;
        REQUIRE(site.send(browser, "POST", "/api/v1/session", sign_in).status == 200);
        for (auto sql : {1, 2}) {
            auto text = site.store->read([&](store::Connection& db) {
                return sql == 1 ? db.one<std::string>(
                                      "SELECT token_hash || address || user_agent FROM session"
                                  )
                                : db.one<std::string>("SELECT password_hash || name FROM app_user");
            });
            CHECK(text.value()->find(browser.cookie) == std::string::npos);
            CHECK(text.value()->find(Site::password) == std::string::npos);
        }
    }

    TEST_CASE("a wrong e-mail and a wrong password look alike") {
        Site site;
        site.add_user("ann@example.org");
        Browser browser;
        auto wrong =
            site.send(browser, "POST", "/api/v1/session", with_password("not the password"));
        auto nobody = site.send(
            browser, "POST", "/api/v1/session",
            {{"email", "bob@example.org"}, {"password", Site::password}}
        );
        auto odd = site.send(
            browser, "POST", "/api/v1/session",
            {{"email", "no address"}, {"password", Site::password}}
        );
        CHECK(wrong.status == 401);
        CHECK(wrong.code() == "sign_in_failed");
        CHECK(wrong.text == nobody.text);
        CHECK(wrong.text == odd.text);
        CHECK(
            site.audited(site.org_of("ann@example.org")) ==
            std::vector<std::string>{"session.sign_in refused"}
        );
    }

    TEST_CASE("after the third failure the account waits, longer each time, also for the right "
              "password, and success forgives") {
        Site site;
        site.add_user("ann@example.org");
        int address = 0;
        auto attempt = [&](std::string_view password) {
            Browser browser{
                "", "192.0.2." + std::to_string(++address)}; // so that only the account counts
            return site.send(browser, "POST", "/api/v1/session", with_password(password));
        };
        for (int i = 0; i < 3; ++i) CHECK(attempt("wrong").status == 401);
        for (int wait : {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900}) {
            CAPTURE(wait);
            auto early = attempt(Site::password);
            CHECK(early.status == 429);
            CHECK(early.code() == "rate_limited");
            CHECK(early.retry_after == std::to_string(wait));
            CHECK(early.json.at("retry_after_s") == wait);
            site.clock.advance(std::chrono::seconds(wait) - 1ms);
            CHECK(attempt(Site::password).status == 429);
            site.clock.advance(1ms);
            CHECK(attempt("wrong").status == 401);
        }
        site.clock.advance(900s);
        CHECK(attempt(Site::password).status == 200);
        CHECK(attempt("wrong").status == 401);
        CHECK(attempt("wrong").status == 401);
        CHECK(attempt(Site::password).status == 200);
    }

    TEST_CASE(
        "an address that fails waits too, whatever account it tries, with its whole IPv6 network"
    ) {
        Site site;
        site.add_user("ann@example.org");
        auto attempt = [&](std::string address, std::string email, std::string_view password) {
            Browser browser{"", std::move(address)};
            return site
                .send(
                    browser, "POST", "/api/v1/session", {{"email", email}, {"password", password}}
                )
                .status;
        };
        for (int i = 0; i < 3; ++i)
            CHECK(
                attempt(
                    "2001:db8::" + std::to_string(i + 1),
                    "user" + std::to_string(i) + "@example.org", "x"
                ) == 401
            );
        CHECK(attempt("2001:db8::ffff", "ann@example.org", Site::password) == 429);
        CHECK(attempt("2001:db8:0:1::1", "ann@example.org", Site::password) == 200);
    }

    TEST_CASE("waits are in the store, so that a restart forgives nothing") {
        store::TemporaryFolder folder;
        store::Migration steps[] = {{1, "access", access::first_tables}};
        FakeClock clock;
        {
            store::Store store({.file = folder.path() / "a.db"}, steps);
            REQUIRE(store.write([&](store::UnitOfWork& unit) -> Result<> {
                for (int i = 0; i < 5; ++i)
                    FAIRLEAD_CHECK(access::Waits(unit.db()).failed("x", clock.now()));
                return {};
            }));
        }
        store::Store store({.file = folder.path() / "a.db"}, steps);
        auto check = [&](Timestamp at) {
            return store.read([&](store::Connection& db) {
                return access::Waits(db).check("x", at);
            });
        };
        CHECK(check(clock.now()).error().kind() == Errc::rate_limited);
        CHECK(check(clock.now() + 4s));
    }

    TEST_CASE("a hundred guesses at one moment are a hundred guesses") {
        Site site;
        site.add_user("ann@example.org");
        std::atomic<int> looked_at = 0;
        std::vector<std::thread> threads;
        for (int i = 0; i < 20; ++i)
            threads.emplace_back([&, i] {
                Browser browser{"", "192.0.2." + std::to_string(i + 1)};
                if (site.send(browser, "POST", "/api/v1/session", with_password("wrong")).status ==
                    401)
                    ++looked_at;
            });
        for (auto& thread : threads) thread.join();
        CHECK(looked_at == 3);
    }

    TEST_CASE("a session ends after half an hour without use, and use keeps it alive until seven "
              "days [S-SESS-04]") {
        Site site;
        site.add_user("ann@example.org");
        Browser browser;
        REQUIRE(site.send(browser, "POST", "/api/v1/session", sign_in).status == 200);
        for (int i = 0; i < 7 * 24 * 60 / 29; ++i) {
            site.clock.advance(29min);
            REQUIRE(site.send(browser, "GET", "/api/v1/session").status == 200);
        }
        site.clock.advance(29min);
        CHECK(site.send(browser, "GET", "/api/v1/session").status == 401);

        Browser other;
        REQUIRE(site.send(other, "POST", "/api/v1/session", sign_in).status == 200);
        site.clock.advance(30min - 1ms);
        CHECK(site.send(other, "GET", "/api/v1/session").status == 200);
        site.clock.advance(30min);
        CHECK(site.send(other, "GET", "/api/v1/session").status == 401);
        CHECK(site.sessions.tidy(site.clock.now()));
        CHECK(site.ended.size() == 2);
    }

    TEST_CASE("sessions are listed with device, address and last use; revoking one counts at once "
              "[S-SESS-05] [S-SESS-06]") {
        Site site;
        site.add_user("ann@example.org");
        Browser first, second{"", "192.0.2.2"};
        REQUIRE(site.send(first, "POST", "/api/v1/session", sign_in).status == 200);
        site.clock.advance(1s);
        REQUIRE(site.send(second, "POST", "/api/v1/session", sign_in).status == 200);
        site.clock.advance(1s);
        REQUIRE(site.send(second, "GET", "/api/v1/session").status == 200);
        site.clock.advance(1s);

        auto list = site.send(first, "GET", "/api/v1/sessions").json.at("data").as_array();
        REQUIRE(list.size() == 2);
        CHECK(list[0].at("current") == true);
        CHECK(list[1].at("address") == "192.0.2.2");
        CHECK(list[1].at("user_agent") == "Firefox");
        CHECK(list[1].at("last_used_at").as_string() == to_rfc3339(site.clock.now() - 1s));
        auto page = site.send(first, "GET", "/api/v1/sessions?limit=1");
        auto next = site.send(
            first, "GET",
            "/api/v1/sessions?limit=1&cursor=" +
                std::string(page.json.at("next_cursor").as_string())
        );
        CHECK(next.json.at("data").at(0) == list[1]);
        CHECK(next.json.at("next_cursor").is_null());

        auto id = std::string(list[1].at("id").as_string());
        CHECK(site.send(first, "DELETE", "/api/v1/sessions/" + id).status == 204);
        CHECK(site.ended.back().str() == id);
        CHECK(site.send(second, "GET", "/api/v1/session").status == 401);
        CHECK(site.send(first, "GET", "/api/v1/session").status == 200);
        CHECK(site.send(first, "DELETE", "/api/v1/sessions/" + id).status == 404);
        CHECK(site.send(first, "DELETE", "/api/v1/sessions/rubbish").status == 404);
        CHECK(site.audited(site.org_of("ann@example.org")).back() == "session.revoke ok");
    }

    TEST_CASE("nobody ends the session of another person") {
        Site site;
        site.add_user("ann@example.org");
        site.add_user("bob@example.org");
        Browser ann, bob;
        REQUIRE(site.send(ann, "POST", "/api/v1/session", sign_in).status == 200);
        REQUIRE(
            site.send(
                    bob, "POST", "/api/v1/session",
                    {{"email", "bob@example.org"}, {"password", Site::password}}
            ).status == 200
        );
        auto id = std::string(site.send(ann, "GET", "/api/v1/session").json.at("id").as_string());
        CHECK(site.send(bob, "DELETE", "/api/v1/sessions/" + id).status == 404);
        CHECK(site.send(ann, "GET", "/api/v1/session").status == 200);
        CHECK(site.send(bob, "GET", "/api/v1/sessions").json.at("data").as_array().size() == 1);
    }

    TEST_CASE(
        "signing in again replaces the browser's session, signing out ends it and clears the cookie"
    ) {
        Site site;
        site.add_user("ann@example.org");
        Browser browser;
        REQUIRE(site.send(browser, "POST", "/api/v1/session", sign_in).status == 200);
        Browser old = browser;
        REQUIRE(site.send(browser, "POST", "/api/v1/session", sign_in).status == 200);
        CHECK(browser.cookie != old.cookie);
        CHECK(site.send(old, "GET", "/api/v1/session").status == 401);
        Browser copy = browser;
        CHECK(site.send(browser, "DELETE", "/api/v1/session").status == 204);
        CHECK(browser.cookie.empty());
        CHECK(site.send(copy, "GET", "/api/v1/session").status == 401);
    }

    TEST_CASE("a person has at most a hundred sessions: the one unused for longest ends") {
        Site site;
        site.add_user("ann@example.org");
        Browser first;
        REQUIRE(site.send(first, "POST", "/api/v1/session", sign_in).status == 200);
        for (int i = 0; i < 100; ++i) {
            site.clock.advance(1s);
            Browser browser;
            REQUIRE(site.send(browser, "POST", "/api/v1/session", sign_in).status == 200);
        }
        CHECK(site.ended.size() == 1);
        CHECK(site.send(first, "GET", "/api/v1/session").status == 401);
    }

    TEST_CASE("changing the password needs the current one and ends all other sessions") {
        Site site;
        site.add_user("ann@example.org");
        Browser here, there;
        REQUIRE(site.send(here, "POST", "/api/v1/session", sign_in).status == 200);
        REQUIRE(site.send(there, "POST", "/api/v1/session", sign_in).status == 200);
        auto wrong = site.send(
            here, "POST", "/api/v1/password",
            {{"current", "wrong"}, {"new", "another four words here"}}
        );
        CHECK(wrong.status == 400);
        CHECK(wrong.code() == "password_wrong");
        CHECK(
            site.send(
                    here, "POST", "/api/v1/password",
                    {{"current", Site::password}, {"new", "short"}}
            ).status == 400
        );
        CHECK(
            site.send(here, "POST", "/api/v1/password", {{"current", Site::password}})
                .json.at("errors")
                .at(0)
                .at("field") == "new"
        );
        CHECK(
            site.send(
                    here, "POST", "/api/v1/password",
                    {{"current", Site::password}, {"new", "another four words here"}, {"x", "y"}}
            )
                .json.at("errors")
                .at(0)
                .at("field") == "x"
        );
        CHECK(
            site.send(
                    here, "POST", "/api/v1/password",
                    {{"current", Site::password}, {"new", "another four words here"}}
            ).status == 204
        );
        CHECK(site.send(here, "GET", "/api/v1/session").status == 200);
        CHECK(site.send(there, "GET", "/api/v1/session").status == 401);
        CHECK(site.send(there, "POST", "/api/v1/session", sign_in).status == 401);
        CHECK(
            site.send(there, "POST", "/api/v1/session", with_password("another four words here"))
                .status == 200
        );
    }

    TEST_CASE("the one-time link sets the first password once, and no bad one") {
        Site site;
        site.add_user("ann@example.org");
        auto token = site.link_for("ann@example.org");
        Browser browser;
        auto check = site.send(browser, "POST", "/api/v1/setup/check", {{"token", token}});
        CHECK(check.status == 200);
        CHECK(check.json.at("email") == "ann@example.org");

        for (auto bad :
             {"short", "ANN@example.org", "password1234", "aaaaaaaaaaaaaaaa", "123456789012",
              "qwertyuiopas", "abcabcabcabc", "210987654321"}) {
            CAPTURE(std::string(bad));
            auto refused =
                site.send(browser, "POST", "/api/v1/setup", {{"token", token}, {"password", bad}});
            CHECK(refused.status == 400);
            CHECK(refused.json.at("errors").at(0).at("field") == "password");
        }
        auto done = site.send(
            browser, "POST", "/api/v1/setup",
            {{"token", token}, {"password", "some four new words"}, {"name", "Ann B."}}
        );
        REQUIRE(done.status == 200);
        CHECK(done.json.at("user").at("name") == "Ann B.");
        CHECK(site.send(browser, "GET", "/api/v1/session").status == 200);
        auto again = site.send(
            browser, "POST", "/api/v1/setup",
            {{"token", token}, {"password", "yet more words here"}}
        );
        CHECK(again.status == 404);
        CHECK(again.code() == "setup_link_invalid");
        CHECK(
            site.send(browser, "POST", "/api/v1/setup/check", {{"token", token}}).code() ==
            "setup_link_invalid"
        );
        CHECK(
            site.send(browser, "POST", "/api/v1/setup/check", {{"token", "flo_rubbish"}}).code() ==
            "setup_link_invalid"
        );

        auto late = site.link_for("ann@example.org", 60s);
        auto newer = site.link_for("ann@example.org", 60s);
        CHECK(site.send(browser, "POST", "/api/v1/setup/check", {{"token", late}}).status == 404);
        CHECK(site.send(browser, "POST", "/api/v1/setup/check", {{"token", newer}}).status == 200);
        site.clock.advance(60s);
        CHECK(site.send(browser, "POST", "/api/v1/setup/check", {{"token", newer}}).status == 404);
    }

    TEST_CASE("until a password was chosen nobody can sign in with any") {
        Site site;
        site.add_user("ann@example.org");
        REQUIRE(site.store->write([](store::UnitOfWork& unit) {
            return unit.db().run("UPDATE app_user SET password_hash = ''");
        }));
        Browser browser;
        for (auto password : {"x", ""}) {
            auto reply = site.send(browser, "POST", "/api/v1/session", with_password(password));
            CHECK(reply.status >= 400);
        }
    }

    TEST_CASE("a session that another process ended is gone within seconds") {
        Site site;
        site.add_user("ann@example.org");
        Browser browser;
        REQUIRE(site.send(browser, "POST", "/api/v1/session", sign_in).status == 200);
        REQUIRE(site.send(browser, "GET", "/api/v1/session").status == 200);
        REQUIRE(site.store->write([](store::UnitOfWork& unit) {
            return unit.db().run("DELETE FROM session");
        }));
        site.clock.advance(5s);
        CHECK(site.send(browser, "GET", "/api/v1/session").status == 401);
    }
}
