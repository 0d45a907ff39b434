#include "../support/authenticator.hpp"
#include "common/crypto/encoding.hpp"
#include "controller/access/webauthn.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::access;
using namespace fairlead::test;
using enum UserVerification;

namespace {

const WebAuthn site({"fairlead.example", "Fairlead", {"https://fairlead.example"}});
constexpr std::string_view challenge = "a challenge of this controller";

std::string bytes(std::string_view hex) {
    return crypto::hex_decode(hex).value();
}

Result<NewPasskey> registered(
    Authenticator& authenticator, const Ceremony& how = {}, UserVerification user = preferred
) {
    FAIRLEAD_TRY(offer, PasskeyOffer::read(authenticator.create(challenge, how)));
    return site.registered(offer, challenge, user);
}

Result<PasskeyState> used(
    Authenticator& authenticator, const Ceremony& how = {}, std::int64_t count = 0,
    UserVerification user = required
) {
    FAIRLEAD_TRY(answer, PasskeyAnswer::read(authenticator.get(challenge, how)));
    return site.used(answer, challenge, authenticator.key, count, user);
}

/// The code and a part of the message of a refusal.
template <class T>
void check_refused(const Result<T>& result, std::string_view code, std::string_view part) {
    REQUIRE(!result);
    CAPTURE(result.error().message());
    CHECK(result.error().kind() == Errc::invalid);
    CHECK(result.error().code() == code);
    CHECK(result.error().message().find(part) != std::string::npos);
}

/// Lies that are possible in both ceremonies.
struct Lie {
    const char* why;
    Ceremony how;
    const char* code;
    const char* part;
};

std::vector<Lie> lies() {
    auto with = [](auto change) {
        Ceremony how;
        change(how);
        return how;
    };
    return {
        {"another type", with([](auto& how) { how.type = "payment.get"; }), "passkey_refused",
         "payment.get"},
        {"another site", with([](auto& how) { how.origin = "https://fairlead.example.evil.test"; }),
         "passkey_refused", "fairlead.example.evil.test"},
        {"a part of this site", with([](auto& how) { how.origin = "https://x.fairlead.example"; }),
         "passkey_refused", "x.fairlead.example"},
        {"another port", with([](auto& how) { how.origin = "https://fairlead.example:8443"; }),
         "passkey_refused", ":8443"},
        {"without TLS", with([](auto& how) { how.origin = "http://fairlead.example"; }),
         "passkey_refused", "http://"},
        {"inside another site's page",
         with([](auto& how) { how.more_client_data = R"(,"crossOrigin":true)"; }),
         "passkey_refused", "inside a page"},
        {"another RP id", with([](auto& how) { how.rp_id = "evil.test"; }), "passkey_refused",
         "another site than fairlead.example"},
        {"nobody there", with([](auto& how) { how.present = false; }), "passkey_refused",
         "somebody was there"},
        {"a copy of what cannot be copied", with([](auto& how) { how.backed_up = true; }),
         "passkey_refused", "cannot be copied"},
        {"extensions that are no map", with([](auto& how) { how.extensions = "\x01"; }),
         "passkey_malformed", "extensions"},
        {"extensions that are cut off", with([](auto& how) { how.extensions = "\xa1\x61"; }),
         "passkey_malformed", "extensions"},
        {"extensions of absurd length",
         with([](auto& how) { how.extensions = bytes("bbffffffffffffffff"); }), "passkey_malformed",
         "extensions"},
        {"something behind the end", with([](auto& how) {
             how.alter_authenticator_data = [](std::string& data) { data += "x"; };
         }),
         "passkey_malformed", "after its end"},
        {"36 bytes", with([](auto& how) {
             how.alter_authenticator_data = [](std::string& data) { data.resize(36); };
         }),
         "passkey_malformed", "cut off"},
    };
}

} // namespace

TEST_SUITE("controller/access/webauthn") {

    TEST_CASE("passkeys are made for the host of the console, or for a domain above it") {
        struct {
            const char *url, *domain, *id;
        } rows[] = {
            {"https://fairlead.example", "", "fairlead.example"},
            {"https://fairlead.example:8443", "", "fairlead.example"},
            {"https://a.fairlead.example:8443", "fairlead.example", "fairlead.example"},
            {"https://a.fairlead.example", "a.fairlead.example", "a.fairlead.example"},
            {"https://[2001:db8::1]:8443", "", "[2001:db8::1]"},
        };
        for (const auto& row : rows) {
            CAPTURE(row.url);
            auto party = RelyingParty::of(row.url, row.domain).value();
            CHECK(party.id == row.id);
            CHECK(party.origins == std::vector<std::string>{row.url});
        }
        CHECK(!RelyingParty::of("https://fairlead.example", "lead.example"));
        CHECK(!RelyingParty::of("https://fairlead.example", "a.fairlead.example"));
        CHECK(!RelyingParty::of("https://fairlead.example", "evil.test"));
    }

    TEST_CASE("a passkey of each algorithm is registered and used") {
        for (auto algorithm :
             {Authenticator::Algorithm::es256, Authenticator::Algorithm::eddsa,
              Authenticator::Algorithm::rs256}) {
            for (const char* format : {"none", "packed", "fido-u2f"}) {
                CAPTURE(static_cast<int>(algorithm));
                CAPTURE(format);
                Authenticator authenticator(algorithm);
                Ceremony how;
                how.format = format;
                auto made = registered(authenticator, how, required);
                REQUIRE(made);
                CHECK(made->public_key == authenticator.key);
                CHECK(made->aaguid == "00010203-0405-0607-0809-0a0b0c0d0e0f");
                CHECK(made->state.sign_count == 1);
                CHECK(made->state.user_verified);
                CHECK(!made->state.backup_eligible);
                how.eligible = how.backed_up = true;
                how.extensions = bytes("a16b6372656450726f7465637402"); // {"credProtect": 2}
                auto seen = used(authenticator, how, 1);
                REQUIRE(seen);
                CHECK(seen->sign_count == 2);
                CHECK(seen->backup_eligible);
                CHECK(seen->backed_up);
            }
        }
    }

    TEST_CASE("what the browser says of the passkey is kept as far as it is known") {
        Authenticator authenticator;
        auto credential = authenticator.create(challenge);
        auto offer = PasskeyOffer::read(credential).value();
        CHECK(offer.credential_id == authenticator.id);
        CHECK(offer.challenge == challenge);
        CHECK(offer.transports == std::vector<std::string>{"hybrid", "internal"});
        authenticator.user_handle = "usr_1";
        CHECK(PasskeyAnswer::read(authenticator.get(challenge)).value().user_handle == "usr_1");
    }

    TEST_CASE("each lie in a registration is refused by name") {
        for (auto& lie : lies()) {
            CAPTURE(lie.why);
            Authenticator authenticator;
            check_refused(registered(authenticator, lie.how), lie.code, lie.part);
        }
        Authenticator authenticator;
        Ceremony how;
        how.verified = false;
        check_refused(registered(authenticator, how, required), "passkey_refused", "PIN");
        CHECK(!registered(authenticator, how, preferred)->state.user_verified);
        how = {};
        how.type = "webauthn.get";
        check_refused(registered(authenticator, how), "passkey_refused", "webauthn.get");
    }

    TEST_CASE("each lie in a use is refused by name") {
        for (auto& lie : lies()) {
            CAPTURE(lie.why);
            Authenticator authenticator;
            check_refused(used(authenticator, lie.how), lie.code, lie.part);
        }
        Authenticator authenticator;
        Ceremony how;
        how.verified = false;
        check_refused(used(authenticator, how), "passkey_refused", "PIN");
        CHECK(used(authenticator, how, 0, preferred));
        how = {};
        how.type = "webauthn.create";
        check_refused(used(authenticator, how), "passkey_refused", "webauthn.create");
    }

    TEST_CASE("an answer to another challenge is refused") {
        Authenticator authenticator;
        auto offer = PasskeyOffer::read(authenticator.create("another")).value();
        check_refused(
            site.registered(offer, challenge, preferred), "passkey_refused", "another request"
        );
        auto answer = PasskeyAnswer::read(authenticator.get("another")).value();
        check_refused(
            site.used(answer, challenge, authenticator.key, 0, preferred), "passkey_refused",
            "another request"
        );
    }

    TEST_CASE("a signature that was altered, or of another passkey, is refused") {
        Authenticator authenticator, other;
        Ceremony how;
        for (std::size_t at : {0, 10, 40, 60}) {
            how.alter_signature = [at](std::string& signature) {
                signature[at] = static_cast<char>(signature[at] ^ 1);
            };
            check_refused(used(authenticator, how), "passkey_refused", "signature");
        }
        auto answer = PasskeyAnswer::read(other.get(challenge)).value();
        check_refused(
            site.used(answer, challenge, authenticator.key, 0, required), "passkey_refused",
            "signature"
        );
    }

    TEST_CASE("whatever was signed cannot be altered afterwards") {
        Authenticator authenticator;
        auto good = PasskeyAnswer::read(authenticator.get(challenge)).value();
        REQUIRE(site.used(good, challenge, authenticator.key, 0, required));
        for (std::size_t at = 0; at < good.authenticator_data.size(); ++at) {
            auto altered = good;
            altered.authenticator_data[at] = static_cast<char>(altered.authenticator_data[at] ^ 2);
            CAPTURE(at);
            CHECK(!site.used(altered, challenge, authenticator.key, 0, required));
        }
        auto altered = good;
        altered.client_data.insert(altered.client_data.size() - 1, R"(,"more":1)");
        check_refused(
            site.used(altered, challenge, authenticator.key, 0, required), "passkey_refused",
            "signature"
        );
    }

    TEST_CASE("a counter that does not grow means a copy, and one that stays zero means nothing") {
        struct {
            std::uint32_t now;
            std::int64_t before;
            bool fine;
        } rows[] = {{1, 0, true},  {6, 5, true},          {4294967295, 4294967294, true},
                    {0, 0, true},  {5, 5, false},         {4, 5, false},
                    {0, 5, false}, {1, 4294967295, false}};
        for (const auto& row : rows) {
            CAPTURE(row.now);
            CAPTURE(row.before);
            Authenticator authenticator;
            authenticator.step = 0;
            authenticator.count = row.now;
            auto seen = used(authenticator, {}, row.before);
            CHECK(bool(seen) == row.fine);
            if (!row.fine) check_refused(seen, "passkey_cloned", "copy");
        }
    }

    TEST_CASE("authenticator data that is cut off anywhere is refused") {
        Authenticator authenticator;
        Ceremony how;
        how.extensions = bytes("a16b6372656450726f7465637402");
        std::size_t whole = 0;
        how.alter_authenticator_data = [&](std::string& data) { whole = data.size(); };
        REQUIRE(registered(authenticator, how));
        for (std::size_t size = 0; size < whole; ++size) {
            how.alter_authenticator_data = [&](std::string& data) { data.resize(size); };
            CAPTURE(size);
            check_refused(registered(authenticator, how), "passkey_malformed", "");
        }
    }

    TEST_CASE("a registration that does not hold together is refused") {
        Authenticator authenticator, other;
        auto altered = [&](auto change) {
            auto credential = authenticator.create(challenge);
            change(credential);
            auto offer = PasskeyOffer::read(credential);
            if (!offer) return Result<NewPasskey>(tl::unexpected(offer.error()));
            return site.registered(*offer, challenge, preferred);
        };
        auto object = [&](std::string_view hex) {
            return altered([&](auto& credential) {
                credential["response"].as_object()["attestationObject"] =
                    crypto::base64url_encode(bytes(hex));
            });
        };
        check_refused(
            altered([&](auto& credential) {
                credential["rawId"] = crypto::base64url_encode(other.id);
            }),
            "passkey_malformed", "rawId"
        );
        check_refused(object("a0"), "passkey_malformed", "attestationObject");
        check_refused(object("80"), "passkey_malformed", "attestationObject");
        check_refused(object("a163666d74"), "passkey_malformed", "attestationObject");
        check_refused(object("bbffffffffffffffff"), "passkey_malformed", "attestationObject");
        check_refused(object("a168617574684461746101"), "passkey_malformed", "attestationObject");

        Ceremony how;
        how.format = "packed";
        how.alter_signature = [](std::string& signature) { signature.back() ^= 1; };
        check_refused(registered(authenticator, how), "passkey_refused", "over itself");

        // Keys that are none of the three kinds, and credential ids of wrong lengths.
        Authenticator wrong;
        wrong.key = bytes("a401020338222002215820") + std::string(32, 'x');
        check_refused(registered(wrong), "passkey_refused", "ES256");
        wrong.key = "";
        check_refused(registered(wrong), "passkey_malformed", "key");
        for (std::size_t size : {std::size_t(15), std::size_t(1024)}) {
            Authenticator long_or_short;
            long_or_short.id = std::string(size, 'i');
            check_refused(registered(long_or_short), "passkey_malformed", "rawId");
        }
        for (std::size_t size : {std::size_t(16), std::size_t(1023)}) {
            Authenticator just_right;
            just_right.id = std::string(size, 'i');
            CHECK(registered(just_right));
        }
        // A use in place of a registration: no passkey in it.
        how = {};
        how.alter_authenticator_data = [](std::string& data) {
            data.resize(37);
            data[32] = 5;
        };
        check_refused(registered(authenticator, how), "passkey_malformed", "rawId");
    }

    TEST_CASE("JSON that no browser makes is refused, member by member") {
        Authenticator authenticator;
        for (const char* member : {"type", "rawId", "response"}) {
            auto credential = authenticator.get(challenge);
            credential.erase(member);
            check_refused(PasskeyAnswer::read(credential), "passkey_malformed", member);
            credential[member] = 7;
            check_refused(PasskeyAnswer::read(credential), "passkey_malformed", member);
        }
        for (const char* member : {"clientDataJSON", "authenticatorData", "signature"}) {
            for (const boost::json::value& value :
                 {boost::json::value(nullptr), boost::json::value(""), boost::json::value("a+b="),
                  boost::json::value(std::string(100'000, 'A'))}) {
                auto credential = authenticator.get(challenge);
                credential["response"].as_object()[member] = value;
                check_refused(PasskeyAnswer::read(credential), "passkey_malformed", member);
            }
        }
        auto credential = authenticator.create(challenge);
        credential["response"].as_object()["attestationObject"] = std::string(100'000, 'A');
        check_refused(PasskeyOffer::read(credential), "passkey_malformed", "too long");
        credential = authenticator.get(challenge);
        credential["response"].as_object()["userHandle"] = std::string(88, 'A');
        check_refused(PasskeyAnswer::read(credential), "passkey_malformed", "userHandle");
        credential["response"].as_object()["userHandle"] = nullptr;
        CHECK(PasskeyAnswer::read(credential));
        credential["response"].as_object()["clientDataJSON"] =
            crypto::base64url_encode("{\"type\":\"webauthn.get\"}");
        check_refused(PasskeyAnswer::read(credential), "passkey_malformed", "origin");
        credential["response"].as_object()["clientDataJSON"] = crypto::base64url_encode("[]");
        check_refused(PasskeyAnswer::read(credential), "passkey_malformed", "clientDataJSON");
    }

    // Web Authentication Level 3, sections 16.2 and 16.3: not made by the code above.
    TEST_CASE("the published test vectors are accepted, and refused for another site") {
        struct Vector {
            const char *id, *create_challenge, *create_client_data, *object, *get_challenge,
                *get_client_data, *get_data, *signature;
            bool verified;
        };
        const Vector vectors[] = {
#include "webauthn_vectors.inc"
        };
        const WebAuthn example({"example.org", "Example", {"https://example.org"}});
        const WebAuthn other_id({"example.com", "Example", {"https://example.org"}});
        for (const auto& v : vectors) {
            CAPTURE(v.id);
            auto told = [](const char* hex) { return crypto::base64url_encode(bytes(hex)); };
            auto offer = PasskeyOffer::read(
                {{"type", "public-key"},
                 {"rawId", told(v.id)},
                 {"response",
                  {{"clientDataJSON", told(v.create_client_data)},
                   {"attestationObject", told(v.object)}}}}
            );
            REQUIRE(offer);
            CHECK(offer->challenge == bytes(v.create_challenge));
            auto made = example.registered(*offer, offer->challenge, preferred);
            REQUIRE(made);
            CHECK(made->state.user_verified == v.verified);
            CHECK(made->state.backup_eligible);
            CHECK(!other_id.registered(*offer, offer->challenge, preferred));
            CHECK(!site.registered(*offer, offer->challenge, preferred));

            auto answer = PasskeyAnswer::read(
                {{"type", "public-key"},
                 {"rawId", told(v.id)},
                 {"response",
                  {{"clientDataJSON", told(v.get_client_data)},
                   {"authenticatorData", told(v.get_data)},
                   {"signature", told(v.signature)}}}}
            );
            REQUIRE(answer);
            CHECK(answer->challenge == bytes(v.get_challenge));
            CHECK(example.used(*answer, answer->challenge, made->public_key, 0, preferred));
            CHECK(!other_id.used(*answer, answer->challenge, made->public_key, 0, preferred));
        }
    }
}
