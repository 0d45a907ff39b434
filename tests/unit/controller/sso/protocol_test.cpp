#include "common/crypto/hash.hpp"
#include "controller/sso/protocol.hpp"
#include "issuer_key.hpp"
#include "outside_world.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::test;
using boost::json::object;

namespace {

const Timestamp now(std::chrono::hours(24 * 365 * 56));
const sso::Attempt attempt{
    "https://fairlead.example/api/v1/sso/x/callback", "the-state", "the-nonce",
    "a-verifier-of-enough-characters-0123456789-x"};

std::string text(const boost::json::value& value) {
    return boost::json::serialize(value);
}

sso::Provider provider_of(sso::Preset preset, std::string base) {
    sso::Provider p;
    p.preset = preset;
    p.slug = "x";
    p.name = "Example";
    p.client_id = "client:1";
    p.client_secret = Secret("s ecret");
    p.scopes = "openid email";
    p.issuer = base;
    p.discovery = base + "/.well-known/openid-configuration";
    p.authorize = base + "/authorize";
    p.token = base + "/token";
    p.api = base + "/api";
    return p;
}

/// An issuer whose answers a test can change.
struct Issuing {
    explicit Issuing(sso::Preset preset = sso::Preset::oidc)
        : provider(provider_of(preset, "https://issuer.example")) {
        description = {
            {"issuer", provider.issuer},
            {"authorization_endpoint", "https://issuer.example/authorize?realm=a"},
            {"token_endpoint", provider.token},
            {"jwks_uri", "https://issuer.example/keys"},
            {"userinfo_endpoint", "https://issuer.example/me"}};
        auto at = to_ms(now) / 1000;
        claims = {{"iss", provider.issuer}, {"sub", "ann-1"}, {"aud", provider.client_id},
                  {"exp", at + 60},         {"iat", at},      {"nonce", attempt.nonce}};
        world.says("https://issuer.example/keys", key_set({key.jwk("k")}));
        world.says("https://issuer.example/me", text({{"sub", "ann-1"}}));
    }
    Result<sso::Person> finish(sso::Returned returned = {"the-code", {}}) {
        world.says(provider.discovery, text(description));
        if (!world.pages.contains(provider.token))
            world.says(
                provider.token,
                text(
                    {{"access_token", "at"},
                     {"token_type", "Bearer"},
                     {"refresh_token", "rt"},
                     {"id_token", jws(key, {{"alg", "EdDSA"}, {"kid", "k"}}, claims)}}
                )
            );
        protocol = sso::make_protocol(provider, world.fetch());
        return protocol->finish(attempt, returned, now);
    }

    sso::Provider provider;
    IssuerKey key = IssuerKey::ed25519();
    OutsideWorld world;
    object description, claims;
    std::unique_ptr<sso::Protocol> protocol;
};

/// GitHub or Bitbucket.
struct Plain {
    explicit Plain(sso::Preset preset) : provider(provider_of(preset, "https://hub.example")) {
        world.says(provider.token, text({{"access_token", "at"}, {"token_type", "bearer"}}));
        bool github = preset == sso::Preset::github;
        user = github ? object{{"id", 583231}, {"login", "ann"}, {"name", "Ann"}}
                      : object{{"uuid", "{a54f16da}"}, {"display_name", "Ann"}};
        emails =
            github
                ? boost::json::
                      value{{{"email", "old@example.org"}, {"primary", false}, {"verified", true}}, {{"email", "ann@example.org"}, {"primary", true}, {"verified", true}}}
                : boost::json::value{
                      {"values",
                       {{{"email", "ann@example.org"},
                         {"is_primary", true},
                         {"is_confirmed", true}}}}};
    }
    Result<sso::Person> finish(sso::Returned returned = {"the-code", {}}) {
        world.says(provider.api + "/user", text(user));
        world.says(provider.api + "/user/emails", text(emails));
        return sso::make_protocol(provider, world.fetch())->finish(attempt, returned, now);
    }

    sso::Provider provider;
    OutsideWorld world;
    object user;
    boost::json::value emails;
};

} // namespace

TEST_SUITE("controller/sso/protocol") {

    TEST_CASE("the browser is sent with state, nonce and the S256 challenge, and never with the "
              "verifier") {
        Issuing f;
        f.world.says(f.provider.discovery, text(f.description));
        auto url = sso::make_protocol(f.provider, f.world.fetch())->begin(attempt, now).value();
        CHECK(url.starts_with("https://issuer.example/authorize?realm=a&response_type=code&"));
        CHECK(form_value(url, "state") == "the-state");
        CHECK(form_value(url, "nonce") == "the-nonce");
        CHECK(form_value(url, "client_id") == "client%3A1");
        CHECK(form_value(url, "scope") == "openid%20email");
        CHECK(
            form_value(url, "redirect_uri") ==
            "https%3A%2F%2Ffairlead.example%2Fapi%2Fv1%2Fsso%2Fx%2Fcallback"
        );
        CHECK(form_value(url, "code_challenge_method") == "S256");
        CHECK(
            form_value(url, "code_challenge") ==
            crypto::base64url_encode(crypto::sha256(attempt.verifier).view())
        );
        CHECK(url.find(attempt.verifier) == std::string::npos);
        CHECK(url.find("ecret") == std::string::npos);

        auto github = provider_of(sso::Preset::github, "https://hub.example");
        auto plain = sso::make_protocol(github, f.world.fetch())->begin(attempt, now).value();
        CHECK(plain.starts_with("https://hub.example/authorize?"));
        CHECK(form_value(plain, "code_challenge_method") == "S256");
        CHECK(form_value(plain, "nonce").empty());
    }

    TEST_CASE("the code is traded with the verifier, the same address and the client's secret") {
        Issuing f;
        REQUIRE(f.finish());
        auto& ask = f.world.asked.at(1);
        CHECK(ask.method == "POST");
        CHECK(ask.url == f.provider.token);
        CHECK(form_value(ask.body, "grant_type") == "authorization_code");
        CHECK(form_value(ask.body, "code") == "the-code");
        CHECK(form_value(ask.body, "code_verifier") == attempt.verifier);
        CHECK(form_value(ask.body, "redirect_uri").ends_with("%2Fcallback"));
        CHECK(form_value(ask.body, "client_secret").empty());
        CHECK(
            OutsideWorld::header(ask, "authorization") ==
            "Basic " + crypto::base64_encode("client%3A1:s%20ecret")
        );

        Issuing in_body;
        in_body.description["token_endpoint_auth_methods_supported"] = {"client_secret_post"};
        REQUIRE(in_body.finish());
        CHECK(form_value(in_body.world.asked.at(1).body, "client_secret") == "s%20ecret");
        CHECK(OutsideWorld::header(in_body.world.asked.at(1), "authorization").empty());
    }

    TEST_CASE("who it was is what the ID token says, with an address only as good as the issuer "
              "calls it") {
        for (bool verified : {true, false}) {
            Issuing f;
            f.claims["email"] = "Ann@Example.org";
            f.claims["email_verified"] = verified;
            f.claims["name"] = "Ann";
            auto person = f.finish();
            REQUIRE(person);
            CHECK(person->issuer == "https://issuer.example");
            CHECK(person->subject == "ann-1");
            CHECK(person->email == "Ann@Example.org");
            CHECK(person->email_verified == verified);
            CHECK(person->name == "Ann");
            CHECK(f.world.times("https://issuer.example/me") == 0);
        }
        Issuing silent;
        silent.claims["email"] = "ann@example.org";
        CHECK_FALSE(silent.finish()->email_verified);
        Issuing trusted;
        trusted.claims["email"] = "ann@example.org";
        trusted.provider.trusts_email = true;
        CHECK(trusted.finish()->email_verified);
        for (boost::json::value odd :
             {boost::json::value("yes"), boost::json::value(1), boost::json::value("false"),
              boost::json::value()}) {
            Issuing f;
            f.claims["email"] = "ann@example.org";
            f.claims["email_verified"] = odd;
            CHECK_FALSE(f.finish()->email_verified);
        }
    }

    TEST_CASE("an address of Microsoft's counts only when its domain is the tenant's own") {
        for (auto [claim, verified] : std::vector<std::pair<object, bool>>{
                 {{{"email_verified", true}}, false}, // not Microsoft's word
                 {{{"xms_edov", true}}, true},
                 {{{"xms_edov", "1"}}, true},
                 {{{"xms_edov", false}}, false},
                 {{{"xms_edov", "0"}}, false}}) {
            Issuing f(sso::Preset::microsoft);
            f.claims["email"] = "ann@example.org";
            for (auto& member : claim) f.claims[member.key()] = member.value();
            CHECK(f.finish()->email_verified == verified);
        }
    }

    TEST_CASE("an address that the token does not hold is asked for, and only believed about the "
              "same person") {
        Issuing f;
        f.world.says(
            "https://issuer.example/me",
            text({{"sub", "ann-1"}, {"email", "ann@example.org"}, {"email_verified", true}})
        );
        auto person = f.finish();
        REQUIRE(person);
        CHECK(person->email == "ann@example.org");
        CHECK(person->email_verified);
        CHECK(OutsideWorld::header(f.world.asked.back(), "authorization") == "Bearer at");

        for (auto about : {"bob-2", "", "ANN-1"}) {
            Issuing other;
            other.world.says(
                "https://issuer.example/me",
                text({{"sub", about}, {"email", "ann@example.org"}, {"email_verified", true}})
            );
            auto refused = other.finish();
            REQUIRE_FALSE(refused);
            CHECK(refused.error().kind() == Errc::unauthenticated);
        }
    }

    TEST_CASE("an answer that another issuer gave is refused before the code goes anywhere") {
        for (auto other : {"https://other.example", "https://issuer.example/", ""}) {
            Issuing f;
            auto refused = f.finish({"the-code", other});
            REQUIRE_FALSE(refused);
            CHECK(refused.error().kind() == Errc::unauthenticated);
            CHECK(f.world.times(f.provider.token) == 0);
        }
        Issuing f;
        CHECK(f.finish({"the-code", "https://issuer.example"}));
        Issuing says;
        says.description["authorization_response_iss_parameter_supported"] = true;
        CHECK_FALSE(says.finish({"the-code", {}}));
        CHECK(says.world.times(says.provider.token) == 0);
        for (auto preset : {sso::Preset::github, sso::Preset::bitbucket}) {
            Plain hub(preset);
            CHECK_FALSE(hub.finish({"the-code", "https://hub.example.evil.example"}));
            CHECK(hub.world.asked.empty());
            CHECK(hub.finish({"the-code", "https://hub.example/login/oauth"}));
        }
    }

    TEST_CASE("what the token's address answers besides a token is told apart") {
        auto answered = [](const std::string& body, int status = 200) {
            Issuing f;
            f.world.says(f.provider.token, body, status);
            auto refused = f.finish();
            REQUIRE_FALSE(refused);
            return std::move(refused.error());
        };
        auto forged = answered(text({{"error", "invalid_grant"}}), 400);
        CHECK(forged.kind() == Errc::unauthenticated);
        CHECK(forged.detail() == "x: invalid_grant ");
        CHECK(answered(text({{"error", "bad_verification_code"}})).kind() == Errc::unauthenticated);
        for (auto code : {"invalid_client", "incorrect_client_credentials"})
            CHECK(answered(text({{"error", code}}), 401).code() == "sso_misconfigured");
        CHECK(answered("<html>", 502).kind() == Errc::unavailable);
        CHECK(answered("<html>").kind() == Errc::invalid);
        CHECK(answered("[]").kind() == Errc::invalid);
        CHECK(answered("{}").kind() == Errc::invalid);
        CHECK(
            answered(text({{"access_token", "at"}, {"token_type", "mac"}})).kind() == Errc::invalid
        );
        CHECK(
            answered(text({{"access_token", "at"}, {"token_type", "Bearer"}})).kind() ==
            Errc::unauthenticated
        ); // no ID token
        auto line = answered(text({{"error", "x\ny"}, {"error_description", "a\r\nb\x1b"}}), 400);
        CHECK(line.detail() == "x: x?y a??b?");
    }

    TEST_CASE("GitHub's person is the number, with the main address if GitHub had it confirmed") {
        Plain f(sso::Preset::github);
        auto person = f.finish();
        REQUIRE(person);
        CHECK(person->issuer == "https://hub.example");
        CHECK(person->subject == "583231");
        CHECK(person->email == "ann@example.org");
        CHECK(person->email_verified);
        CHECK(person->name == "Ann");
        CHECK(form_value(f.world.asked[0].body, "client_secret") == "s%20ecret");
        CHECK(OutsideWorld::header(f.world.asked[0], "accept") == "application/json");
        CHECK(OutsideWorld::header(f.world.asked[1], "authorization") == "Bearer at");

        Plain unverified(sso::Preset::github);
        unverified.emails.at(1).at("verified") = false;
        CHECK_FALSE(unverified.finish()->email_verified);
        Plain none(sso::Preset::github);
        none.emails = boost::json::array{};
        CHECK(none.finish()->email.empty());
        for (boost::json::value odd :
             {boost::json::value("583231"), boost::json::value(-1), boost::json::value(0),
              boost::json::value(1.5)}) {
            Plain f2(sso::Preset::github);
            f2.user["id"] = odd;
            CHECK_FALSE(f2.finish());
        }
        Plain nameless(sso::Preset::github);
        nameless.user["name"] = nullptr;
        CHECK(nameless.finish()->name == "ann");
    }

    TEST_CASE("Bitbucket's person is the uuid, with the main address if Bitbucket had it confirmed"
    ) {
        Plain f(sso::Preset::bitbucket);
        auto person = f.finish();
        REQUIRE(person);
        CHECK(person->subject == "{a54f16da}");
        CHECK(person->email_verified);
        CHECK(OutsideWorld::header(f.world.asked[0], "authorization").starts_with("Basic "));

        Plain unconfirmed(sso::Preset::bitbucket);
        unconfirmed.emails.at("values").at(0).at("is_confirmed") = false;
        CHECK_FALSE(unconfirmed.finish()->email_verified);
        Plain nobody(sso::Preset::bitbucket);
        nobody.user.erase("uuid");
        CHECK_FALSE(nobody.finish());
        Plain odd(sso::Preset::bitbucket);
        odd.emails = {"x"};
        CHECK_FALSE(odd.finish());
    }

    TEST_CASE("a provider whose API refuses the token, or has a fault, is told apart") {
        Plain f(sso::Preset::github);
        REQUIRE(f.finish());
        auto with = [&](int status) {
            f.world.pages.erase(f.provider.api + "/user");
            f.world.says(f.provider.api + "/user", "{}", status);
            return sso::make_protocol(f.provider, f.world.fetch())
                ->finish(attempt, {"the-code", {}}, now)
                .error()
                .kind();
        };
        CHECK(with(401) == Errc::unauthenticated);
        CHECK(with(503) == Errc::unavailable);
    }
}
