#include "controller/sso/issuer.hpp"
#include "issuer_key.hpp"
#include "outside_world.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;
using boost::json::object;

namespace {

constexpr auto issuer = "https://issuer.example/realm";
constexpr auto discovery = "https://issuer.example/realm/.well-known/openid-configuration";
constexpr auto jwks = "https://issuer.example/keys";

object description() {
    return {
        {"issuer", issuer},
        {"authorization_endpoint", "https://issuer.example/authorize"},
        {"token_endpoint", "https://issuer.example/token"},
        {"jwks_uri", jwks}};
}

struct Fixture {
    Fixture() {
        provider.name = "Example";
        provider.issuer = issuer;
        provider.discovery = discovery;
        provider.client_id = "fairlead";
        world.says(discovery, boost::json::serialize(description()));
        world.says(jwks, key_set({key.jwk("one")}));
    }
    std::string token(const IssuerKey& by, std::string_view kid) {
        auto at = to_ms(clock.now()) / 1000;
        return jws(
            by, {{"alg", "ES256"}, {"kid", kid}},
            {{"iss", issuer},
             {"sub", "ann"},
             {"aud", "fairlead"},
             {"exp", at + 60},
             {"iat", at},
             {"nonce", "n"}}
        );
    }
    auto check(const IssuerKey& by, std::string_view kid) {
        return about.check(token(by, kid), "n", clock.now());
    }

    IssuerKey key = IssuerKey::p256();
    OutsideWorld world;
    sso::Provider provider;
    FakeClock clock;
    sso::Issuer about{provider, world.fetch()};
};

} // namespace

TEST_SUITE("controller/sso/issuer") {

    TEST_CASE("a description of another issuer, or with an address that is not https, is refused") {
        auto read = [](const object& from, const char* wanted = issuer) {
            return sso::read_metadata(boost::json::serialize(from), wanted);
        };
        CHECK(read(description()));
        for (auto other :
             {"https://issuer.example", "https://issuer.example/realm/",
              "https://other.example/realm"})
            CHECK_FALSE(read(description(), other));
        for (auto name : {"authorization_endpoint", "token_endpoint", "jwks_uri"}) {
            CAPTURE(std::string(name));
            auto changed = description();
            for (boost::json::value bad :
                 {boost::json::value("http://issuer.example/x"), boost::json::value(""),
                  boost::json::value("javascript:alert(1)"), boost::json::value(1),
                  boost::json::value("https://issuer.example/x\r\nx: y")}) {
                changed[name] = bad;
                CHECK_FALSE(read(changed));
            }
            changed.erase(name);
            CHECK_FALSE(read(changed));
        }
        auto plain_userinfo = description();
        plain_userinfo["userinfo_endpoint"] = "http://issuer.example/me";
        CHECK_FALSE(read(plain_userinfo));
        CHECK_FALSE(sso::read_metadata("[]", issuer));
        CHECK_FALSE(sso::read_metadata(
            boost::json::serialize(description()) + std::string(70'000, ' '), issuer
        ));
    }

    TEST_CASE("a tenant of Microsoft's is known by its id, whatever it is asked by") {
        constexpr auto shared = "https://login.microsoftonline.com/{tenantid}/v2.0";
        auto from = description();
        auto issuer_for = [&](const char* said) {
            from["issuer"] = said;
            auto read = sso::read_metadata(boost::json::serialize(from), shared);
            return read ? read->issuer : "";
        };
        constexpr auto own =
            "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0";
        CHECK(issuer_for(own) == own); // and no other from then on
        CHECK(issuer_for(shared) == shared);
        CHECK(issuer_for("https://login.microsoftonline.com/common/v2.0").empty());
        CHECK(issuer_for("https://login.microsoftonline.com/").empty());
        CHECK(issuer_for("https://evil.example/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0").empty());
    }

    TEST_CASE("how the client proves itself is what the issuer takes, in the header first") {
        auto basic = [](boost::json::value methods) {
            auto from = description();
            if (!methods.is_null())
                from["token_endpoint_auth_methods_supported"] = std::move(methods);
            return sso::read_metadata(boost::json::serialize(from), issuer)->basic_secret;
        };
        CHECK(basic(nullptr));
        CHECK(basic({"client_secret_post", "client_secret_basic"}));
        CHECK_FALSE(basic({"client_secret_post", "private_key_jwt"}));
    }

    TEST_CASE(
        "description and keys are asked for once in an hour, and outlive the issuer's absence "
        "for a day"
    ) {
        Fixture f;
        for (int i = 0; i < 3; ++i) CHECK(f.check(f.key, "one"));
        CHECK(f.world.times(discovery) == 1);
        CHECK(f.world.times(jwks) == 1);
        f.clock.advance(1h);
        CHECK(f.check(f.key, "one"));
        CHECK(f.world.times(discovery) == 2);
        CHECK(f.world.times(jwks) == 2);
        f.world.is_away(discovery);
        f.world.is_away(jwks);
        f.clock.advance(23h);
        CHECK(f.check(f.key, "one"));
        CHECK(f.world.times(jwks) == 3);
        for (int i = 0; i < 10; ++i) CHECK(f.check(f.key, "one"));
        CHECK(f.world.times(jwks) == 3); // not asked for each person who waits
        f.clock.advance(1h);
        auto late = f.check(f.key, "one");
        REQUIRE_FALSE(late);
        CHECK(late.error().kind() == Errc::unavailable);
    }

    TEST_CASE("an issuer that was never reached is not asked by everybody at once") {
        Fixture f;
        f.world.is_away(discovery);
        for (int i = 0; i < 10; ++i) CHECK_FALSE(f.about.metadata(f.clock.now()));
        CHECK(f.world.times(discovery) == 1);
        f.clock.advance(5s);
        f.world.says(discovery, boost::json::serialize(description()));
        CHECK(f.about.metadata(f.clock.now()));
    }

    TEST_CASE("a key that is not known has the keys read again, but not more than once a minute") {
        Fixture f;
        REQUIRE(f.check(f.key, "one"));
        auto next = IssuerKey::p256();
        f.world.says(jwks, key_set({f.key.jwk("one"), next.jwk("two")}));
        f.clock.advance(2min);
        CHECK(f.check(next, "two"));
        CHECK(f.world.times(jwks) == 2);
        auto thief = IssuerKey::p256();
        for (int i = 0; i < 20; ++i) {
            auto refused = f.check(thief, "three");
            REQUIRE_FALSE(refused);
            CHECK(refused.error().code() == "unknown_key");
        }
        CHECK(f.world.times(jwks) == 2);
        f.clock.advance(1min);
        CHECK_FALSE(f.check(thief, "three"));
        CHECK(f.world.times(jwks) == 3);
        // Withdrawn: the token that it signed is worth nothing any more.
        f.world.says(jwks, key_set({next.jwk("two")}));
        f.clock.advance(1h);
        CHECK_FALSE(f.check(f.key, "one"));
    }

    TEST_CASE("a forged signature by a known key's name does not make us ask again") {
        Fixture f;
        auto thief = IssuerKey::p256();
        f.clock.advance(2min);
        for (int i = 0; i < 5; ++i) CHECK_FALSE(f.check(thief, "one"));
        CHECK(f.world.times(jwks) == 1);
    }

    TEST_CASE("a huge answer in the keys' place is refused, and the keys from before stay") {
        Fixture f;
        REQUIRE(f.check(f.key, "one"));
        f.world.says(jwks, "{\"keys\":[" + std::string(1 << 20, ' ') + "]}");
        f.clock.advance(2h);
        CHECK(f.check(f.key, "one"));
    }

    TEST_CASE("the operator's authority goes along with each request") {
        Fixture f;
        f.provider.ca_pem = "PEM";
        REQUIRE(f.check(f.key, "one"));
        for (const auto& ask : f.world.asked) CHECK(ask.ca_pem == "PEM");
    }
}
