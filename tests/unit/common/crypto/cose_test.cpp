#include "common/crypto/cose.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/openssl.hpp"
#include "common/crypto/p256.hpp"
#include "common/crypto/sign.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::crypto;

namespace {

std::string bytes(std::string_view hex) {
    return hex_decode(hex).value();
}

std::string es256(std::string_view x, std::string_view y) {
    return bytes("a5010203262001215820") + std::string(x) + bytes("225820") + std::string(y);
}

std::string eddsa(std::string_view x) {
    return bytes("a4010103272006215820") + std::string(x);
}

std::string rs256(const EVP_PKEY* key) {
    BIGNUM* number = nullptr;
    must(EVP_PKEY_get_bn_param(key, "n", &number) == 1, "EVP_PKEY_get_bn_param");
    BignumPtr owner(number);
    std::string n(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
    BN_bn2bin(number, reinterpret_cast<unsigned char*>(n.data()));
    std::string size{static_cast<char>(n.size() >> 8u), static_cast<char>(n.size())};
    return bytes("a401030339010020") + "\x59" + size + n + bytes("2143010001");
}

std::string sign(EVP_PKEY* key, std::string_view message) {
    auto context = owned<MdCtxPtr>(EVP_MD_CTX_new(), "EVP_MD_CTX_new");
    must(
        EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1,
        "EVP_DigestSignInit"
    );
    std::string signature(1024, '\0');
    auto size = signature.size();
    must(
        EVP_DigestSign(
            context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
            reinterpret_cast<const unsigned char*>(message.data()), message.size()
        ) == 1,
        "EVP_DigestSign"
    );
    signature.resize(size);
    return signature;
}

} // namespace

TEST_SUITE("common/crypto/cose") {

    TEST_CASE("a signature of each algorithm is good for its message and key alone") {
        auto p256 = P256Key::generate();
        auto point = p256.public_der().substr(p256.public_der().size() - 64);
        auto ed = SigningKey::generate();
        PkeyPtr rsa(EVP_RSA_gen(2048));
        struct {
            std::string key, signature;
            CoseKey::Algorithm algorithm;
        } rows[] = {
            {es256(point.substr(0, 32), point.substr(32)), p256.sign("message"),
             CoseKey::Algorithm::es256},
            {eddsa(ed.verify_key().bytes()), ed.sign("message"), CoseKey::Algorithm::eddsa},
            {rs256(rsa.get()), sign(rsa.get(), "message"), CoseKey::Algorithm::rs256},
        };
        for (const auto& row : rows) {
            auto key = CoseKey::from_bytes(row.key);
            REQUIRE(key);
            CAPTURE(static_cast<int>(row.algorithm));
            CHECK(key->algorithm() == row.algorithm);
            CHECK(key->verify("message", row.signature));
            CHECK(!key->verify("massage", row.signature));
            CHECK(!key->verify("message", ""));
            for (std::size_t at = 0; at < row.signature.size(); at += 7) {
                auto altered = row.signature;
                altered[at] = static_cast<char>(altered[at] ^ 1);
                CHECK(!key->verify("message", altered));
            }
            for (const auto& other : rows)
                if (other.algorithm != row.algorithm)
                    CHECK(!key->verify("message", other.signature));
            for (std::size_t size = 0; size < row.key.size(); ++size)
                CHECK(!CoseKey::from_bytes(row.key.substr(0, size)));
        }
    }

    TEST_CASE("a key that is none, or of another kind, is refused") {
        auto p256 = P256Key::generate();
        auto point = p256.public_der().substr(p256.public_der().size() - 64);
        auto x = point.substr(0, 32), y = point.substr(32);
        auto off_curve = y;
        off_curve.back() = static_cast<char>(off_curve.back() ^ 1);
        PkeyPtr weak(EVP_RSA_gen(1024));
        PkeyPtr good(EVP_RSA_gen(2048));
        auto exponent_three = rs256(good.get());
        exponent_three = exponent_three.substr(0, exponent_three.size() - 5) + bytes("214103");
        struct {
            const char* why;
            std::string key;
        } rows[] = {
            {"nothing", ""},
            {"no map", bytes("8101")},
            {"an empty map", bytes("a0")},
            {"a point off the curve", es256(x, off_curve)},
            {"a point of zeros", es256(std::string(32, '\0'), std::string(32, '\0'))},
            {"a coordinate of 31 bytes",
             bytes("a501020326200121581f") + x.substr(1) + bytes("225820") + y},
            {"the other curve's number", bytes("a5010203262002215820") + x + bytes("225820") + y},
            {"ES384", bytes("a501020338222001215820") + x + bytes("225820") + y},
            {"no algorithm", bytes("a401022001215820") + x + bytes("225820") + y},
            {"an Ed25519 key that says ES256", bytes("a4010103262006215820") + x},
            {"X25519", bytes("a4010103272004215820") + x},
            {"1024 bits", rs256(weak.get())},
            {"exponent 3", exponent_three},
            {"PS256",
             [&] {
                 auto key = rs256(good.get());
                 return bytes("a40103033824") + key.substr(7);
             }()},
            {"a symmetric key", bytes("a3010403052045") + "12345"},
            {"something after it", es256(x, y) + "x"},
        };
        REQUIRE(CoseKey::from_bytes(es256(x, y)));
        for (const auto& row : rows) {
            CAPTURE(row.why);
            auto key = CoseKey::from_bytes(row.key);
            REQUIRE(!key);
            CHECK(key.error().kind() == Errc::invalid);
        }
    }
}
