#include "controller/sso/id_token.hpp"
#include "issuer_key.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;
using boost::json::object;

namespace {

constexpr auto issuer = "https://issuer.example";
const Timestamp now(std::chrono::hours(24 * 365 * 56));

std::int64_t seconds(Timestamp at) {
    return to_ms(at) / 1000;
}

const IssuerKey& rsa_key() {
    static const auto key = IssuerKey::rsa();
    return key;
}

object good_claims() {
    return {
        {"iss", issuer},
        {"sub", "248289761001"},
        {"aud", "fairlead"},
        {"exp", seconds(now + 5min)},
        {"iat", seconds(now)},
        {"nonce", "n-0S6_WzA2Mj"},
        {"email", "ann@example.org"},
        {"email_verified", true}};
}

object header(std::string_view alg = "RS256") {
    return {{"alg", alg}, {"kid", "one"}, {"typ", "JWT"}};
}

sso::Jwks one_key(const IssuerKey& key = rsa_key()) {
    return sso::Jwks::parse(key_set({key.jwk("one")})).value();
}

Result<sso::IdToken> check(const std::string& token, const sso::Jwks& keys = one_key()) {
    return sso::check_id_token(token, keys, {issuer, "fairlead", "n-0S6_WzA2Mj", now});
}

/// Why a token that is signed as it should be is refused; "" where it is taken.
std::string refusal(const object& claims) {
    auto checked = check(jws(rsa_key(), header(), claims));
    if (checked) return "";
    CHECK(checked.error().kind() == Errc::unauthenticated);
    return checked.error().message();
}

std::string refusal_with(std::string_view name, boost::json::value value) {
    auto claims = good_claims();
    claims[name] = std::move(value);
    return refusal(claims);
}

std::string refusal_without(std::string_view name) {
    auto claims = good_claims();
    claims.erase(name);
    return refusal(claims);
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_SUITE("controller/sso/id_token") {

    TEST_CASE("a token that says all it must is taken, with any of the four algorithms") {
        auto checked = check(jws(rsa_key(), header(), good_claims()));
        REQUIRE(checked);
        CHECK(checked->issuer == issuer);
        CHECK(checked->subject == "248289761001");
        CHECK(checked->claims.at("email") == "ann@example.org");
        CHECK(check(jws(rsa_key(), header("PS256"), good_claims())));
        auto p256 = IssuerKey::p256();
        CHECK(check(jws(p256, header("ES256"), good_claims()), one_key(p256)));
        auto ed25519 = IssuerKey::ed25519();
        CHECK(check(jws(ed25519, header("EdDSA"), good_claims()), one_key(ed25519)));
    }

    TEST_CASE("one bit elsewhere in header, claims or signature and it is refused") {
        auto token = jws(rsa_key(), header(), good_claims());
        auto first = token.find('.'), second = token.rfind('.');
        for (auto at : {std::size_t(3), first - 2, first + 5, second - 3, second + 5}) {
            CAPTURE(at);
            auto other = token;
            other[at] = other[at] == 'A' ? 'B' : 'A';
            CHECK_FALSE(check(other));
        }
        CHECK_FALSE(check(token.substr(0, second + 1)));
        CHECK_FALSE(check(token.substr(0, second)));
        CHECK_FALSE(check(token + ".x"));
        CHECK_FALSE(check(token + "="));
        CHECK_FALSE(check(""));
        CHECK_FALSE(check(".."));
        CHECK_FALSE(check(std::string(1 << 20, 'a')));
    }

    TEST_CASE("alg none is refused, however it is written, with a signature and without") {
        for (auto alg : {"none", "None", "NONE", "nOnE", ""}) {
            CAPTURE(std::string(alg));
            auto text = part(header(alg)) + "." + part(good_claims()) + ".";
            for (auto& token : {text, text + crypto::base64url_encode("x")}) {
                auto checked = check(token);
                REQUIRE_FALSE(checked);
                CHECK(has(checked.error().message(), "no algorithm that is taken"));
            }
        }
    }

    TEST_CASE("the public key is no shared secret: HS256 over it is refused") {
        auto text = part(header("HS256")) + "." + part(good_claims());
        auto modulus = crypto::base64url_decode(rsa_key().jwk("one").at("n").as_string()).value();
        for (const auto& secret :
             {rsa_key().public_pem(), modulus, key_set({rsa_key().jwk("one")})}) {
            auto mac = crypto::hmac_sha256(secret, text);
            auto checked = check(text + "." + crypto::base64url_encode(mac.view()));
            REQUIRE_FALSE(checked);
            CHECK(has(checked.error().message(), "\"HS256\" is no algorithm that is taken"));
        }
    }

    TEST_CASE("a shared secret that stands among the issuer's keys is none of them") {
        object oct{{"kty", "oct"}, {"kid", "one"}, {"k", crypto::base64url_encode("secret")}};
        auto keys = sso::Jwks::parse(key_set({oct})).value();
        CHECK(keys.keys().empty());
        auto text = part(header("HS256")) + "." + part(good_claims());
        auto mac = crypto::hmac_sha256("secret", text);
        CHECK_FALSE(check(text + "." + crypto::base64url_encode(mac.view()), keys));
    }

    TEST_CASE("the type of the key must fit the algorithm") {
        auto p256 = IssuerKey::p256();
        auto text = part(header("RS256")) + "." + part(good_claims());
        auto signature = p256.sign("ES256", text);
        auto checked = check(text + "." + crypto::base64url_encode(signature), one_key(p256));
        REQUIRE_FALSE(checked);
        CHECK(checked.error().code() == "unknown_key");
        // And a key that is published for one algorithm serves no other.
        auto jwk = rsa_key().jwk("one");
        jwk["alg"] = "PS256";
        auto keys = sso::Jwks::parse(key_set({jwk})).value();
        CHECK_FALSE(check(jws(rsa_key(), header("RS256"), good_claims()), keys));
        CHECK(check(jws(rsa_key(), header("PS256"), good_claims()), keys));
    }

    TEST_CASE("keys that come with the token are not looked at") {
        auto thief = IssuerKey::rsa();
        auto forged = header();
        forged["jwk"] = thief.jwk("one");
        forged["jku"] = "https://thief.example/keys";
        auto checked = check(jws(thief, forged, good_claims()));
        REQUIRE_FALSE(checked);
        CHECK(has(checked.error().message(), "signature is wrong"));
    }

    TEST_CASE("headers that must be understood, other types and odd key names are refused") {
        auto with = [](const char* name, boost::json::value value) {
            auto changed = header();
            changed[name] = std::move(value);
            return check(jws(rsa_key(), changed, good_claims()));
        };
        CHECK_FALSE(with("crit", boost::json::array{"b64"}));
        CHECK_FALSE(with("typ", "at+jwt"));
        CHECK_FALSE(with("typ", "logout+jwt"));
        CHECK_FALSE(with("kid", 1));
        auto unknown = with("kid", "two");
        REQUIRE_FALSE(unknown);
        CHECK(unknown.error().code() == "unknown_key");
    }

    TEST_CASE("a token without a key's name needs an issuer with one key") {
        auto nameless = header();
        nameless.erase("kid");
        auto token = jws(rsa_key(), nameless, good_claims());
        CHECK(check(token));
        auto other = IssuerKey::rsa();
        auto two = sso::Jwks::parse(key_set({other.jwk("two"), rsa_key().jwk("one")})).value();
        CHECK_FALSE(check(token, two));
        auto mixed =
            sso::Jwks::parse(key_set({IssuerKey::p256().jwk("two"), rsa_key().jwk("one")})).value();
        CHECK(check(token, mixed));
    }

    TEST_CASE("another issuer's token is refused, to the letter") {
        for (auto other :
             {"https://issuer.example/", "http://issuer.example", "issuer.example",
              "https://ISSUER.example", "https://other.example", ""})
            CHECK(has(refusal_with("iss", other), "it is of the issuer"));
        CHECK(has(refusal_without("iss"), "it is of the issuer"));
        CHECK(has(refusal_with("iss", 7), "it is of the issuer"));
    }

    TEST_CASE("a token for another client is refused") {
        CHECK(has(refusal_with("aud", "other"), "another client"));
        CHECK(has(refusal_with("aud", boost::json::array{"other"}), "another client"));
        CHECK(has(refusal_with("aud", boost::json::array{}), "another client"));
        CHECK(has(refusal_with("aud", object{}), "no text"));
        CHECK(has(refusal_without("aud"), "no audience"));
        CHECK(refusal_with("aud", boost::json::array{"fairlead"}).empty());
        auto claims = good_claims();
        claims["aud"] = {"fairlead", "other"};
        CHECK(has(refusal(claims), "several clients"));
        claims["azp"] = "fairlead";
        CHECK(refusal(claims).empty());
        claims["azp"] = "other";
        CHECK(has(refusal(claims), "another client"));
        CHECK(has(refusal_with("azp", "other"), "another client"));
        CHECK(has(refusal_with("azp", nullptr), "another client"));
    }

    TEST_CASE("a token that ended, begins later or is of another day is refused, give or take a "
              "minute") {
        CHECK(refusal_with("exp", seconds(now - 59s)).empty());
        CHECK(has(refusal_with("exp", seconds(now - 60s)), "it ended at"));
        CHECK(has(refusal_without("exp"), "not when"));
        CHECK(has(refusal_with("exp", "never"), "not when"));
        CHECK(has(refusal_with("exp", -1), "not when"));
        CHECK(has(refusal_with("exp", 1e300), "not when"));
        CHECK(refusal_with("iat", seconds(now + 60s)).empty());
        CHECK(has(refusal_with("iat", seconds(now + 61s)), "this machine's clock"));
        CHECK(has(refusal_with("iat", seconds(now - 11min)), "it was made at"));
        CHECK(has(refusal_without("iat"), "not when"));
        CHECK(refusal_with("nbf", seconds(now + 60s)).empty());
        CHECK(has(refusal_with("nbf", seconds(now + 61s)), "it begins at"));
        CHECK(has(refusal_with("nbf", "x"), "not when"));
    }

    TEST_CASE("a token that answers another request, or none, is refused") {
        CHECK(has(refusal_with("nonce", "other"), "another request"));
        CHECK(has(refusal_with("nonce", ""), "another request"));
        CHECK(has(refusal_without("nonce"), "another request"));
        // Where we asked with none, one without is no answer either.
        auto claims = good_claims();
        claims["nonce"] = "";
        CHECK_FALSE(sso::check_id_token(
            jws(rsa_key(), header(), claims), one_key(), {issuer, "fairlead", "", now}
        ));
    }

    TEST_CASE("a token about nobody is refused") {
        CHECK(has(refusal_without("sub"), "names nobody"));
        CHECK(has(refusal_with("sub", ""), "names nobody"));
        CHECK(has(refusal_with("sub", 12), "names nobody"));
        CHECK(has(refusal_with("sub", std::string(256, 'x').c_str()), "names nobody"));
    }

    TEST_CASE("of Microsoft's shared tenants the token's own tenant is the issuer, and only a key "
              "for it counts") {
        constexpr auto shared = "https://login.microsoftonline.com/{tenantid}/v2.0";
        constexpr auto tenant = "9188040d-6c67-4c5b-b112-36a304b66dad";
        auto own = std::string("https://login.microsoftonline.com/") + tenant + "/v2.0";
        CHECK(sso::issuer_fits(shared, own, tenant));
        CHECK_FALSE(sso::issuer_fits(shared, own, "9188040d-6c67-4c5b-b112-36a304b66dae"));
        CHECK_FALSE(sso::issuer_fits(shared, shared, "{tenantid}"));
        CHECK_FALSE(sso::issuer_fits(shared, "https://login.microsoftonline.com/x/v2.0", "x"));
        auto claims = good_claims();
        claims["iss"] = own;
        claims["tid"] = tenant;
        auto jwk = rsa_key().jwk("one");
        auto checked = [&](const char* key_issuer) {
            jwk["issuer"] = key_issuer;
            return sso::check_id_token(
                jws(rsa_key(), header(), claims), sso::Jwks::parse(key_set({jwk})).value(),
                {shared, "fairlead", "n-0S6_WzA2Mj", now}
            );
        };
        CHECK(checked(shared));
        CHECK(checked(own.c_str()));
        CHECK_FALSE(checked("https://login.microsoftonline.com/"
                            "11111111-6c67-4c5b-b112-36a304b66dad/v2.0"));
    }

    TEST_CASE("of the published keys only those that can check a signature are kept") {
        auto for_encryption = rsa_key().jwk("enc");
        for_encryption["use"] = "enc";
        auto for_wrapping = rsa_key().jwk("ops");
        for_wrapping["key_ops"] = {"wrapKey"};
        auto of_other_alg = rsa_key().jwk("alg");
        of_other_alg["alg"] = "RSA-OAEP";
        auto off_curve = IssuerKey::p256().jwk("off");
        off_curve["y"] = off_curve["x"];
        object secret{{"kty", "oct"}, {"kid", "oct"}, {"k", "c2VjcmV0"}};
        auto keys = sso::Jwks::parse(key_set(
            {for_encryption, for_wrapping, of_other_alg, off_curve, secret,
             IssuerKey::rsa(1024).jwk("short"), IssuerKey::ed25519().jwk("good")}
        ));
        REQUIRE(keys);
        REQUIRE(keys->keys().size() == 1);
        CHECK(keys->keys()[0].id == "good");
    }

    TEST_CASE("a huge key set, and what is none, is refused") {
        boost::json::array many(65, IssuerKey::ed25519().jwk("x"));
        CHECK_FALSE(sso::Jwks::parse(boost::json::serialize(object{{"keys", many}})));
        many.resize(64);
        CHECK(sso::Jwks::parse(boost::json::serialize(object{{"keys", many}})));
        CHECK_FALSE(sso::Jwks::parse("{\"keys\":[]," + std::string(200'000, ' ') + "\"x\":1}"));
        for (auto text : {"", "[]", "{}", "{\"keys\":{}}", "{\"keys\":", "null"})
            CHECK_FALSE(sso::Jwks::parse(text));
        CHECK(
            sso::Jwks::parse("{\"keys\":[1,null,{},{\"kty\":\"RSA\",\"n\":\"A\"}]}")->keys().empty()
        );
        std::string deep(200, '[');
        CHECK_FALSE(sso::Jwks::parse("{\"keys\":" + deep));
    }
}
