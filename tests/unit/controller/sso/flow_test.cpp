// From the button to the session, by the routes: the provider is played, everything else is real.
#include "../support/site.hpp"
#include "controller/sso/routes.hpp"
#include "controller/sso/schema.hpp"
#include "controller/sso/sso.hpp"
#include "issuer_key.hpp"
#include "outside_world.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;
using boost::json::object;

namespace {

constexpr auto staff = "https://id.example.org", other = "https://other.example.org";

sso::Provider oidc(const char* slug, const std::string& issuer) {
    sso::Provider p;
    p.slug = slug;
    p.name = slug;
    p.issuer = issuer;
    p.discovery = issuer + "/.well-known/openid-configuration";
    p.client_id = "fairlead";
    p.client_secret = Secret("s3cret");
    p.scopes = "openid email";
    return p;
}

std::vector<sso::Provider> two_providers() {
    std::vector<sso::Provider> list;
    list.push_back(oidc("staff", staff));
    list.push_back(oidc("other", other));
    return list;
}

struct Page {
    int status = 0;
    std::string location, session, attempt, body;
    std::string code() const {
        return std::string(boost::json::parse(body).at("code").as_string());
    }
};

/// A site where one can sign in with two providers, and somebody who sits at a browser.
struct Fixture {
    explicit Fixture(bool open = false) : may_register(open) {
        REQUIRE(site.store->write([](store::UnitOfWork& unit) -> Result<> {
            unit.db().script(sso::first_tables);
            return {};
        }));
        sso::add_sso_routes(
            site.table, {sso,
                         [this] {
                             return sso::SignInOptions{"invitation", true};
                         },
                         site.sessions.limits().absolute}
        );
        site.router = std::make_unique<api::Router>(site.table, site.guard, &site.idempotency);
        for (auto issuer : {staff, other}) {
            std::string base = issuer;
            world.says(
                base + "/.well-known/openid-configuration",
                boost::json::serialize(object{
                    {"issuer", base},
                    {"authorization_endpoint", base + "/authorize"},
                    {"token_endpoint", base + "/token"},
                    {"jwks_uri", base + "/keys"}})
            );
            world.says(base + "/keys", key_set({key.jwk("k")}));
            // Signs what the test wants about whoever has the last code.
            world.pages[base + "/token"] = [this,
                                            base](const sso::Ask& ask) -> Result<sso::Answer> {
                if (form_value(ask.body, "code") != "good")
                    return sso::Answer{400, "{\"error\":\"invalid_grant\"}"};
                auto at = to_ms(site.clock.now()) / 1000;
                object claims{{"iss", base},       {"sub", subject},
                              {"aud", "fairlead"}, {"exp", at + 60},
                              {"iat", at},         {"nonce", nonce},
                              {"email", email},    {"email_verified", verified},
                              {"name", "Ann B."}};
                return sso::Answer{
                    200, boost::json::serialize(object{
                             {"access_token", "at"},
                             {"token_type", "Bearer"},
                             {"id_token", jws(key, {{"alg", "EdDSA"}, {"kid", "k"}}, claims)}})};
            };
        }
    }

    Page get(const std::string& target, const std::string& site_of = "none") {
        api::Request request;
        request.method = api::Method::get;
        auto question = target.find('?');
        request.path = target.substr(0, question);
        if (question != std::string::npos) request.query = target.substr(question + 1);
        std::string cookies;
        if (!browser.cookie.empty()) cookies += "__Host-fairlead=" + browser.cookie + "; ";
        if (!attempt.empty()) cookies += "__Host-fairlead-sso=" + attempt;
        request.headers = {{"sec-fetch-site", site_of}, {"cookie", cookies}};
        request.address = browser.address;
        request.request_id = "req-1";
        request.at = site.clock.now();
        std::string pattern;
        auto response = site.router->handle(request, pattern);
        Page page{response.status, "", "", "", response.body};
        for (const auto& [name, value] : response.headers) {
            if (name == "Location") page.location = value;
            if (name != "Set-Cookie") continue;
            CHECK(value.find("; Path=/; Max-Age=") != std::string::npos);
            CHECK(value.ends_with("; Secure; HttpOnly; SameSite=Lax"));
            auto equals = value.find('=');
            auto text = value.substr(equals + 1, value.find(';') - equals - 1);
            if (value.substr(0, equals) == "__Host-fairlead") browser.cookie = page.session = text;
            if (value.substr(0, equals) == "__Host-fairlead-sso") attempt = page.attempt = text;
        }
        return page;
    }

    /// Leaves for the provider, which remembers what it was asked.
    Page leave(const std::string& provider = "staff", const std::string& query = "") {
        auto page = get("/api/v1/sso/" + provider + "/start" + query);
        state = form_value(page.location, "state");
        nonce = form_value(page.location, "nonce");
        return page;
    }
    Page come_back(
        const std::string& provider = "staff", const std::string& code = "good",
        const std::string& more = ""
    ) {
        return get(
            "/api/v1/sso/" + provider + "/callback?code=" + code + "&state=" + state + more,
            "cross-site"
        );
    }
    Page sign_in(const std::string& provider = "staff") {
        leave(provider);
        return come_back(provider);
    }
    /// Where a person lands who is not let in.
    static std::string problem(const Page& page) {
        CHECK(page.status == 303);
        CHECK(page.session.empty());
        CHECK(page.attempt.empty());
        if (!page.location.starts_with("/signin?")) return "at " + page.location;
        return form_value(page.location, "problem");
    }
    std::int64_t identities() {
        return site.store
            ->read([](store::Connection& db) {
                return db.one<std::int64_t>("SELECT count(*) FROM sign_in_identity");
            })
            .value()
            .value();
    }

    Site site;
    OutsideWorld world;
    IssuerKey key = IssuerKey::ed25519();
    Browser browser;
    std::string attempt, state, nonce;
    std::string subject = "ann-1", email = "ann@example.org";
    bool verified = true, may_register, second_factor = false;
    sso::Door door{
        .enter = [this](auto& unit, const auto& caller, const auto& user, const auto& proof)
            -> Result<sso::Entered> {
            if (second_factor && !proof.second_factor)
                return sso::Entered(sso::Waiting{Secret("flp_wait"), {"totp", "recovery_code"}});
            FAIRLEAD_TRY(opened, site.accounts.enter(unit, caller, user, proof));
            return sso::Entered(std::move(opened));
        },
        .welcome = [this](auto& unit, const auto& caller, const auto& address, const auto& name)
            -> Result<std::optional<access::User>> {
            if (!may_register) return std::optional<access::User>();
            access::UserRepo users(unit.db());
            FAIRLEAD_TRY(made, users.create(address, name, caller.now));
            return std::optional(std::move(made));
        },
        .has_other_way = [](store::Connection&, const access::User& user) -> Result<bool> {
            return !user.password_hash.empty();
        }};
    sso::Sso sso{
        {site.store.store(), site.keys, site.accounts, site.sessions, "https://fairlead.example",
         world.fetch(), door},
        two_providers()};
};

} // namespace

TEST_SUITE("controller/sso/flow") {

    TEST_CASE("a person comes back from the provider signed in, to where they wanted to go") {
        Fixture f;
        f.site.add_user("ann@example.org");
        auto left = f.leave("staff", "?return=%2Fo%2Fa%3Fb%3D1");
        CHECK(left.status == 303);
        CHECK(left.location.starts_with("https://id.example.org/authorize?response_type=code&"));
        CHECK(left.body.empty());
        CHECK(
            form_value(left.location, "redirect_uri") ==
            "https%3A%2F%2Ffairlead.example%2Fapi%2Fv1%2Fsso%2Fstaff%2Fcallback"
        );
        auto back = f.come_back();
        CHECK(back.status == 303);
        CHECK(back.location == "/o/a?b=1");
        CHECK(back.session.starts_with("fls_"));
        CHECK(f.attempt.empty()); // cleared
        auto session = f.site.send(f.browser, "GET", "/api/v1/session");
        REQUIRE(session.status == 200);
        CHECK(session.json.at("method") == "sso");
        CHECK(session.json.at("issuer") == "staff");
        CHECK(session.json.at("second_factor") == false);
        CHECK(
            f.site.audited(f.site.org_of("ann@example.org")) ==
            std::vector<std::string>{"session.sign_in ok", "identity.add ok"}
        );
        // The second time it is the identity that counts, whatever the address is by then.
        f.email = "ann@elsewhere.example";
        f.verified = false;
        f.browser.cookie.clear();
        CHECK(f.sign_in().session.starts_with("fls_"));
        CHECK(f.identities() == 1);
    }

    TEST_CASE("the cookie of the attempt says nothing of what is in it") {
        Fixture f;
        f.leave();
        for (const auto& secret : {f.state, f.nonce}) {
            CHECK(f.attempt.find(secret) == std::string::npos);
            CHECK(crypto::base64url_decode(f.attempt)->find(secret) == std::string::npos);
        }
        auto first = std::tuple(f.attempt, f.state, f.nonce);
        f.leave();
        CHECK(std::get<0>(first) != f.attempt);
        CHECK(std::get<1>(first) != f.state);
        CHECK(std::get<2>(first) != f.nonce);
    }

    TEST_CASE("forged, foreign, used, altered and old state lets nobody in, and asks no provider") {
        Fixture f;
        f.site.add_user("ann@example.org");
        auto asked = [&] { return f.world.times(std::string(staff) + "/token"); };
        f.leave();
        auto attempt = f.attempt, state = f.state, nonce = f.nonce;
        f.state = std::string(state.size(), 'A');
        CHECK(f.problem(f.come_back()) == "sso_expired");
        f.state.clear();
        f.attempt = attempt;
        CHECK(f.problem(f.come_back()) == "sso_expired");
        // The victim opens an attacker's address: no cookie, or the one of an attempt of their own.
        f.state = state;
        f.attempt.clear();
        CHECK(f.problem(f.come_back()) == "sso_expired");
        f.leave();
        f.state = state;
        CHECK(f.problem(f.come_back()) == "sso_expired");
        f.attempt = attempt;
        f.attempt[40] = f.attempt[40] == 'A' ? 'B' : 'A';
        CHECK(f.problem(f.come_back()) == "sso_expired");
        f.attempt = std::string(10'000, 'A');
        CHECK(f.problem(f.come_back()) == "sso_expired");
        CHECK(asked() == 0);
        // Once, and not again.
        f.attempt = attempt;
        f.nonce = nonce;
        CHECK(f.come_back().session.starts_with("fls_"));
        f.browser.cookie.clear();
        f.attempt = attempt;
        CHECK(f.problem(f.come_back()) == "sso_expired");
        CHECK(asked() == 1);
        f.leave();
        f.site.clock.advance(10min);
        CHECK(f.problem(f.come_back()) == "sso_expired");
        CHECK(asked() == 1);
    }

    TEST_CASE("an attempt that was begun with one provider does not end with another") {
        Fixture f;
        f.site.add_user("ann@example.org");
        f.leave("other");
        CHECK(f.problem(f.come_back("staff")) == "sso_expired");
        f.leave("staff");
        CHECK(
            f.problem(f.come_back("staff", "good", "&iss=https%3A%2F%2Fother.example.org")) ==
            "sso_refused"
        );
        f.leave("staff");
        auto good = f.come_back("staff", "good", "&iss=https%3A%2F%2Fid.example.org");
        CHECK(good.session.starts_with("fls_"));
        CHECK(f.world.times(std::string(other) + "/token") == 0);
    }

    TEST_CASE("the same subject of another issuer is somebody else") {
        Fixture f;
        f.site.add_user("ann@example.org");
        REQUIRE(f.sign_in("staff").session.starts_with("fls_"));
        f.browser.cookie.clear();
        f.email = "mallory@example.org";
        CHECK(f.problem(f.sign_in("other")) == "sso_no_account");
        CHECK(f.identities() == 1);
    }

    TEST_CASE("forged codes and a wrong nonce are refused, and make the address wait") {
        Fixture f;
        f.site.add_user("ann@example.org");
        for (int i = 0; i < 2; ++i) {
            f.leave();
            CHECK(f.problem(f.come_back("staff", "forged")) == "sso_refused");
        }
        f.leave();
        f.nonce = "another";
        CHECK(f.problem(f.come_back()) == "sso_refused");
        CHECK(f.problem(f.sign_in()) == "rate_limited");
        f.site.clock.advance(1s);
        CHECK(f.sign_in().session.starts_with("fls_"));
    }

    TEST_CASE("only an address that both sides had confirmed joins an identity to an account") {
        Fixture f;
        f.site.add_user("ann@example.org");
        f.verified = false;
        CHECK(f.problem(f.sign_in()) == "sso_email_unverified");
        f.verified = true;
        for (auto bad : {"", "no address", "ann@example.org, eve@example.org"}) {
            f.email = bad;
            CHECK(f.problem(f.sign_in()) == "sso_email_unverified");
        }
        f.email = "ann@example.org";
        REQUIRE(f.site.store->write([](store::UnitOfWork& unit) {
            return unit.db().run("UPDATE app_user SET verified_ms = NULL");
        }));
        CHECK(f.problem(f.sign_in()) == "sso_account_unverified");
        CHECK(f.identities() == 0);
        REQUIRE(f.site.store->write([](store::UnitOfWork& unit) {
            return unit.db().run("UPDATE app_user SET verified_ms = 1");
        }));
        f.email = "ANN@Example.org";
        CHECK(f.sign_in().session.starts_with("fls_"));
    }

    TEST_CASE("somebody without an account gets one where registration lets them, and a clear word "
              "where not") {
        Fixture closed;
        CHECK(closed.problem(closed.sign_in()) == "sso_no_account");
        auto said = closed.get("/api/v1/sign-in-options?problem=sso_no_account");
        auto text = boost::json::parse(said.body).at("problem").at("message");
        CHECK(std::string(text.as_string()).find("invitation") != std::string::npos);

        Fixture open(true);
        open.verified = false;
        CHECK(open.problem(open.sign_in()) == "sso_email_unverified");
        open.verified = true;
        CHECK(open.sign_in().session.starts_with("fls_"));
        auto session = open.site.send(open.browser, "GET", "/api/v1/session");
        CHECK(session.json.at("user").at("email") == "ann@example.org");
        CHECK(session.json.at("user").at("name") == "Ann B.");
    }

    TEST_CASE("the account's own second factor is asked for, and nothing is joined before it") {
        Fixture f;
        f.site.add_user("ann@example.org");
        f.second_factor = true;
        f.leave("staff", "?return=/o/a");
        auto back = f.come_back();
        CHECK(back.status == 303);
        CHECK(back.session.empty());
        CHECK(
            back.location ==
            "/signin?next=%2Fo%2Fa#second_factor=flp_wait&methods=totp,recovery_code"
        );
        CHECK(f.identities() == 0);
        CHECK(f.site.send(f.browser, "GET", "/api/v1/session").status == 401);
    }

    TEST_CASE("what the provider says instead of a code is told apart") {
        Fixture f;
        auto said = [&](const std::string& error) {
            f.leave();
            return f.problem(f.get(
                "/api/v1/sso/staff/callback?error=" + error + "&state=" + f.state, "cross-site"
            ));
        };
        CHECK(said("access_denied") == "sso_cancelled");
        CHECK(said("server_error") == "sso_unavailable");
        CHECK(said("invalid_scope") == "sso_misconfigured");
        CHECK(said("whatever") == "sso_cancelled");
        f.leave();
        CHECK(f.problem(f.come_back("staff", "")) == "sso_refused");
        f.world.is_away(std::string(staff) + "/token");
        f.leave();
        CHECK(f.problem(f.come_back()) == "sso_unavailable");
        f.world.says(std::string(staff) + "/token", "{\"error\":\"invalid_client\"}", 401);
        f.leave();
        CHECK(f.problem(f.come_back()) == "sso_misconfigured");
    }

    TEST_CASE("a provider that is away sends nobody anywhere") {
        Fixture f;
        f.world.is_away(std::string(staff) + "/.well-known/openid-configuration");
        CHECK(f.problem(f.leave()) == "sso_unavailable");
        CHECK(f.attempt.empty());
    }

    TEST_CASE("one comes back to paths of the controller alone") {
        Fixture f;
        for (auto bad :
             {"//evil.example", "/%5Cevil.example", "https://evil.example", "evil", "/a%0D%0Ax",
              "/%2Fevil.example", "/a%3Cb", "javascript:alert(1)"})
            CHECK(f.get(std::string("/api/v1/sso/staff/start?return=") + bad).status == 400);
        CHECK(f.get("/api/v1/sso/staff/start?return=/" + std::string(500, 'a')).status == 400);
        CHECK(f.get("/api/v1/sso/nobody/start").status == 404);
        CHECK(f.get("/api/v1/sso/nobody/callback?state=x").status == 404);
        CHECK(f.get("/api/v1/sso/staff/callback?state=" + std::string(300, 'x')).status == 400);
    }

    TEST_CASE("an identity is added while signed in, whatever its address, from our own page and "
              "after a fresh proof alone") {
        Fixture f;
        f.site.add_user("ann@example.org");
        f.site.send(
            f.browser, "POST", "/api/v1/session",
            {{"email", "ann@example.org"}, {"password", Site::password}}
        );
        f.email = "ann@private.example";
        f.verified = false;
        auto link = "/api/v1/sso/staff/link?return=/account";
        for (auto from : {"cross-site", "same-site", "none", ""}) {
            auto page = f.get(link, from);
            CHECK(page.status == 403);
            CHECK(page.code() == "cross_site_request");
        }
        auto left = f.get(link, "same-origin");
        REQUIRE(left.status == 303);
        f.state = form_value(left.location, "state");
        f.nonce = form_value(left.location, "nonce");
        auto back = f.come_back();
        CHECK(back.location == "/account");
        CHECK(back.session.empty());
        auto list = f.site.send(f.browser, "GET", "/api/v1/account/identities");
        REQUIRE(list.json.at("data").as_array().size() == 1);
        CHECK(list.json.at("data").at(0).at("provider_name") == "staff");
        CHECK(list.json.at("data").at(0).at("email") == "ann@private.example");

        // From now on it signs in.
        Browser password = f.browser;
        f.browser.cookie.clear();
        CHECK(f.sign_in().session.starts_with("fls_"));

        f.browser = password;
        f.site.clock.advance(15min);
        CHECK(f.get(link, "same-origin").code() == "step_up_required");
    }

    TEST_CASE("somebody else's identity, or another session than the one that asked, adds nothing"
    ) {
        Fixture f;
        f.site.add_user("ann@example.org");
        f.site.add_user("bob@example.org");
        REQUIRE(f.sign_in().session.starts_with("fls_"));
        auto ann = f.browser;
        f.browser.cookie.clear();
        f.site.send(
            f.browser, "POST", "/api/v1/session",
            {{"email", "bob@example.org"}, {"password", Site::password}}
        );
        auto leave = [&] {
            auto left = f.get("/api/v1/sso/staff/link?return=/account", "same-origin");
            f.state = form_value(left.location, "state");
            f.nonce = form_value(left.location, "nonce");
        };
        leave();
        CHECK(f.come_back().location == "/account?problem=identity_taken");
        leave();
        f.subject = "bob-2";
        auto bob = f.browser;
        f.browser = ann;
        CHECK(f.come_back().location == "/account?problem=link_session_ended");
        f.browser = bob;
        leave();
        f.browser.cookie.clear();
        CHECK(f.come_back().location == "/account?problem=link_session_ended");
        CHECK(f.identities() == 1);
    }

    TEST_CASE("an identity is removed by its owner, unless it is the last way in") {
        Fixture f(true);
        REQUIRE(f.sign_in().session.starts_with("fls_"));
        auto id = std::string(f.site.send(f.browser, "GET", "/api/v1/account/identities")
                                  .json.at("data")
                                  .at(0)
                                  .at("id")
                                  .as_string());
        auto last = f.site.send(f.browser, "DELETE", "/api/v1/account/identities/" + id);
        CHECK(last.status == 409);
        CHECK(last.code() == "last_way_in");
        CHECK(f.identities() == 1);

        f.site.add_user("bob@example.org");
        Browser bob;
        f.site.send(
            bob, "POST", "/api/v1/session",
            {{"email", "bob@example.org"}, {"password", Site::password}}
        );
        CHECK(f.site.send(bob, "DELETE", "/api/v1/account/identities/" + id).status == 404);

        REQUIRE(f.site.store->write([](store::UnitOfWork& unit) {
            return unit.db().run("UPDATE app_user SET password_hash = 'x' WHERE email LIKE 'ann%'");
        }));
        CHECK(f.site.send(f.browser, "DELETE", "/api/v1/account/identities/" + id).status == 204);
        CHECK(f.identities() == 0);
    }

    TEST_CASE("the sign-in page is told what there is") {
        Fixture f;
        auto options = boost::json::parse(f.get("/api/v1/sign-in-options").body);
        CHECK(options.at("providers").as_array().size() == 2);
        CHECK(
            options.at("providers").at(0) ==
            boost::json::value{{"slug", "staff"}, {"name", "staff"}, {"kind", "oidc"}}
        );
        CHECK(options.at("registration") == "invitation");
        CHECK(options.at("passkeys") == true);
        CHECK(options.at("problem").is_null());
        auto with = boost::json::parse(f.get("/api/v1/sign-in-options?problem=made_up").body);
        CHECK(with.at("problem").is_null());
    }

    TEST_CASE("attempts that came back are forgotten when they could no longer come back") {
        Fixture f;
        f.site.add_user("ann@example.org");
        f.sign_in();
        auto count = [&] {
            return f.site.store
                ->read([](store::Connection& db) {
                    return db.one<std::int64_t>("SELECT count(*) FROM sign_in_attempt");
                })
                .value()
                .value();
        };
        REQUIRE(f.sso.tidy(f.site.clock.now()));
        CHECK(count() == 1);
        f.site.clock.advance(10min);
        REQUIRE(f.sso.tidy(f.site.clock.now()));
        CHECK(count() == 0);
    }
}
