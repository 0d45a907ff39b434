#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "common/crypto/password.hpp"
#include "common/crypto/pbkdf2.hpp"
#include "common/crypto/random.hpp"
#include "common/crypto/seal.hpp"
#include "common/crypto/sign.hpp"
#include "common/crypto/token.hpp"
#include "common/runtime/file.hpp"
#include "common/store/memory_db.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace fairlead;
using namespace fairlead::crypto;

namespace {

std::string bytes(std::string_view hex) {
    return hex_decode(hex).value();
}

/// Cheap, so that tests are quick.
constexpr PasswordCost cheap{1, 8192};

} // namespace

TEST_SUITE("common/crypto/primitives") {

    TEST_CASE("PBKDF2 with SHA-512 gives the answers of RFC 6070's inputs") {
        CHECK(
            hex_encode(pbkdf2_sha512(Secret("password"), "salt", 1, 64)) ==
            "867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252"
            "c02d470a285a0501bad999bfe943c08f050235d7d68b1da55e63f73b60a57fce"
        );
        CHECK(
            hex_encode(pbkdf2_sha512(Secret("password"), "salt", 4096, 32)) ==
            "d197b1b33db0143e018b12f3d1d1479e6cdebdcc97c5c0f87f6902e072f457b5"
        );
    }

    TEST_CASE("SHA-256 and HMAC give the published answers, also in pieces") {
        CHECK(
            sha256("").hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        CHECK(
            sha256("abc").hex() ==
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        Sha256 pieces;
        pieces.add("a");
        pieces.add("");
        pieces.add("bc");
        CHECK(pieces.finish() == sha256("abc"));
        pieces.add("abc");
        CHECK(pieces.finish() == sha256("abc"));
        // RFC 4231, cases 1, 2 and 6 (a key longer than a block).
        CHECK(
            hmac_sha256(std::string(20, '\x0b'), "Hi There").hex() ==
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        CHECK(
            hmac_sha256("Jefe", "what do ya want for nothing?").hex() ==
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        CHECK(
            hmac_sha256(
                std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"
            )
                .hex() == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    TEST_CASE("a file's digest is that of its bytes, whatever its size") {
        store::TemporaryFolder folder;
        for (std::size_t size :
             {std::size_t(0), std::size_t(1), std::size_t(128 * 1024), std::size_t(300'000)}) {
            CAPTURE(size);
            std::string content(size, 'x');
            REQUIRE(write_file(folder.path() / "f", content, 0600));
            CHECK(sha256_file(folder.path() / "f").value() == sha256(content));
        }
        CHECK(sha256_file(folder.path() / "none").error().kind() == Errc::not_found);
    }

    TEST_CASE("equality in constant time still tells different from same") {
        CHECK(same("", ""));
        CHECK(same("abc", "abc"));
        CHECK(!same("abc", "abd"));
        CHECK(!same("abc", "abcd"));
    }

    TEST_CASE("encodings go there and back for every length and byte") {
        std::string all;
        for (int i = 0; i < 256; ++i) {
            CHECK(hex_decode(hex_encode(all)).value() == all);
            CHECK(base64url_decode(base64url_encode(all)).value() == all);
            CHECK(base64_decode(base64_encode(all)).value() == all);
            all.push_back(static_cast<char>(i));
        }
        CHECK(base64url_encode("\xff\xfe") == "__4");
        CHECK(base64_encode("\xff\xfe") == "//4=");
    }

    TEST_CASE("decoding takes one spelling only") {
        for (auto text : {"0", "0g", "AB", "a ", "0x"}) {
            CAPTURE(text);
            CHECK(!hex_decode(text));
        }
        for (auto text : {"__5", "__4=", "//4", "A", "AAA\n", " AAAA", "AA AA", "AB"}) {
            CAPTURE(text);
            CHECK(!base64url_decode(text));
        }
        for (auto text : {"//4", "__4=", "//4==", "AB=="}) {
            CAPTURE(text);
            CHECK(!base64_decode(text));
        }
    }

    TEST_CASE("Ed25519 gives RFC 8032's signature, and any flipped bit breaks it") {
        auto seed =
            Secret(bytes("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"));
        auto key = SigningKey::from_seed(seed).value();
        CHECK(
            hex_encode(key.verify_key().bytes()) ==
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"
        );
        auto message = bytes("af82");
        auto signature = key.sign(message);
        CHECK(
            hex_encode(signature) ==
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f7"
            "60984dc6594a7c15e9716ed28dc027beceea1ec40a"
        );
        auto verify = VerifyKey::from_bytes(key.verify_key().bytes()).value();
        CHECK(verify.verify(message, signature));
        CHECK(key.seed().equals(seed.reveal()));
        for (std::size_t i = 0; i < signature.size() * 8; ++i) {
            auto altered = signature;
            altered[i / 8] = static_cast<char>(altered[i / 8] ^ (1 << (i % 8)));
            CHECK(!verify.verify(message, altered));
        }
        CHECK(!verify.verify("other", signature));
        CHECK(!verify.verify(message, signature.substr(1)));
        CHECK(!SigningKey::generate().verify_key().verify(message, signature));
        CHECK(!VerifyKey::from_bytes("short"));
        CHECK(!SigningKey::from_seed(Secret("short")));

        auto shown = key.verify_key().str();
        CHECK(shown.starts_with("ed25519:"));
        CHECK(VerifyKey::parse(shown).value() == key.verify_key());
        for (const auto& wrong :
             {std::string(), shown.substr(8), shown + "A", shown.substr(0, shown.size() - 1),
              "ED25519:" + shown.substr(8), "ed25519:" + std::string(43, '=')})
            CHECK(!VerifyKey::parse(wrong));
    }

    TEST_CASE("a sealed value opens with its key and context only, and not when a bit changed or "
              "the end is missing") {
        auto key = random_secret(32);
        for (auto plain : {std::string(), std::string("secret"), std::string(1000, 'x')}) {
            auto sealed = seal(key, plain, "place");
            CHECK(sealed.size() == plain.size() + seal_overhead);
            CHECK(open(key, sealed, "place").value().equals(plain));
            CHECK(seal(key, plain, "place") != sealed);
            CHECK(!open(key, sealed, "other place"));
            CHECK(!open(random_secret(32), sealed, "place"));
            for (std::size_t size = 0; size < sealed.size(); size += 7)
                CHECK(!open(key, sealed.substr(0, size), "place"));
            for (std::size_t i = 0; i < std::min<std::size_t>(sealed.size(), 64) * 8; ++i) {
                auto altered = sealed;
                altered[i / 8] = static_cast<char>(altered[i / 8] ^ (1 << (i % 8)));
                CHECK(!open(key, altered, "place"));
            }
        }
        CHECK_THROWS_AS((void)seal(Secret("short"), "x", ""), std::logic_error);
    }

    TEST_CASE("passwords verify against their hash, and a new cost asks for a new hash") {
        auto hash = hash_password(Secret("correct horse battery"), cheap);
        CHECK(hash.starts_with("$argon2id$v=19$m=8192,t=1,p=1$"));
        CHECK(verify_password(hash, Secret("correct horse battery")));
        CHECK(!verify_password(hash, Secret("correct horse batterz")));
        CHECK(!verify_password(hash, Secret("")));
        CHECK(hash_password(Secret("correct horse battery"), cheap) != hash);
        CHECK(!needs_rehash(hash, cheap));
        CHECK(needs_rehash(hash, {2, 8192}));
        for (auto broken : {"", "plain", "$argon2id$", "$argon2i$v=19$m=8192,t=1,p=1$x$y"})
            CHECK(!verify_password(broken, Secret("x")));
        CHECK(!verify_password(std::string(5000, '$'), Secret("x")));
    }

    TEST_CASE("a token is found by its prefix and told from a typo without a look-up") {
        auto token = make_token("flt_");
        auto text = std::string(token.reveal());
        CHECK(text.size() == 4 + 38);
        CHECK(well_formed_token("flt_", text));
        CHECK(!well_formed_token("flk_", text));
        CHECK(!well_formed_token("flt_", text.substr(1)));
        CHECK(!well_formed_token("flt_", text + "a"));
        CHECK(!well_formed_token("flt_", ""));
        int accepted = 0;
        for (std::size_t i = 4; i < text.size(); ++i) {
            auto typo = text;
            typo[i] = typo[i] == 'a' ? 'b' : 'a';
            accepted += well_formed_token("flt_", typo);
            typo[i] = 'A';
            accepted += well_formed_token("flt_", typo);
        }
        CHECK(accepted == 0);
        CHECK(token_hash(text) == sha256(text).hex());
        std::set<std::string> many;
        for (int i = 0; i < 1000; ++i) many.insert(std::string(make_token("flt_").reveal()));
        CHECK(many.size() == 1000);
    }
}
