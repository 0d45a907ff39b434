#include "authenticator.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "common/crypto/openssl.hpp"
#include "common/crypto/p256.hpp"
#include "common/crypto/random.hpp"
#include "common/crypto/sign.hpp"

#include <boost/json.hpp>

#include <optional>

namespace fairlead::test {
namespace {

using namespace crypto;

std::string head(unsigned major, std::size_t size) {
    std::string text;
    auto first = static_cast<char>(major << 5u);
    if (size < 24) return {static_cast<char>(first | static_cast<char>(size))};
    if (size < 256) return {static_cast<char>(first | 24), static_cast<char>(size)};
    return {
        static_cast<char>(first | 25), static_cast<char>(size >> 8u),
        static_cast<char>(size & 255u)};
}

std::string bytes(std::string_view value) {
    return head(2, value.size()) + std::string(value);
}

std::string text(std::string_view value) {
    return head(3, value.size()) + std::string(value);
}

std::string big_endian(std::uint32_t value, int size) {
    std::string out;
    for (int at = size - 1; at >= 0; --at) out.push_back(static_cast<char>(value >> (8 * at)));
    return out;
}

std::string hex(std::string_view digits) {
    return hex_decode(digits).value();
}

} // namespace

struct Authenticator::Keys {
    std::optional<P256Key> p256{};
    std::optional<SigningKey> ed{};
    PkeyPtr rsa{};
};

Authenticator::Authenticator(Algorithm algorithm)
    : id(random_bytes(32)), keys_(std::make_unique<Keys>()) {
    switch (algorithm) {
    case Algorithm::es256: {
        keys_->p256 = P256Key::generate();
        auto der = keys_->p256->public_der();
        auto point = der.substr(der.size() - 64);
        key = hex("a5010203262001") + "\x21" + bytes(point.substr(0, 32)) + "\x22" +
              bytes(point.substr(32));
        break;
    }
    case Algorithm::eddsa:
        keys_->ed = SigningKey::generate();
        key = hex("a401010327200621") + bytes(keys_->ed->verify_key().bytes());
        break;
    case Algorithm::rs256: {
        keys_->rsa.reset(EVP_RSA_gen(2048));
        BIGNUM* number = nullptr;
        must(EVP_PKEY_get_bn_param(keys_->rsa.get(), "n", &number) == 1, "n of the key");
        BignumPtr owner(number);
        std::string n(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
        BN_bn2bin(number, reinterpret_cast<unsigned char*>(n.data()));
        key = hex("a401030339010020") + bytes(n) + hex("2143010001");
    }
    }
}

Authenticator::Authenticator(Authenticator&&) noexcept = default;
Authenticator::~Authenticator() = default;

std::string Authenticator::sign(const std::string& message) const {
    if (keys_->p256) return keys_->p256->sign(message);
    if (keys_->ed) return keys_->ed->sign(message);
    auto context = owned<MdCtxPtr>(EVP_MD_CTX_new(), "EVP_MD_CTX_new");
    std::string signature(512, '\0');
    auto size = signature.size();
    must(
        EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, keys_->rsa.get()) == 1 &&
            EVP_DigestSign(
                context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                reinterpret_cast<const unsigned char*>(message.data()), message.size()
            ) == 1,
        "signing"
    );
    signature.resize(size);
    return signature;
}

std::string Authenticator::authenticator_data(const Ceremony& how, bool attested) {
    count += step;
    unsigned flags = (how.present ? 1u : 0) | (how.verified ? 4u : 0) | (how.eligible ? 8u : 0) |
                     (how.backed_up ? 16u : 0) | (attested ? 64u : 0) |
                     (how.extensions.empty() ? 0 : 128u);
    auto data = std::string(sha256(how.rp_id).view()) + big_endian(flags, 1) + big_endian(count, 4);
    if (attested)
        data += hex("000102030405060708090a0b0c0d0e0f") +
                big_endian(static_cast<std::uint32_t>(id.size()), 2) + id + key;
    data += how.extensions;
    how.alter_authenticator_data(data);
    return data;
}

namespace {

std::string
client_data(const Ceremony& how, std::string_view right_type, std::string_view challenge) {
    return R"({"type":")" + std::string(how.type.empty() ? right_type : how.type) +
           R"(","challenge":")" + base64url_encode(challenge) + R"(","origin":")" + how.origin +
           "\"" + how.more_client_data + "}";
}

boost::json::object credential(const std::string& id, boost::json::object response) {
    return {
        {"id", base64url_encode(id)},
        {"rawId", base64url_encode(id)},
        {"type", "public-key"},
        {"authenticatorAttachment", "platform"},
        {"clientExtensionResults", boost::json::object()},
        {"response", std::move(response)}};
}

} // namespace

boost::json::object Authenticator::create(std::string_view challenge, const Ceremony& how) {
    auto told = client_data(how, "webauthn.create", challenge);
    auto data = authenticator_data(how, true);
    auto statement = head(5, 0);
    if (how.format == "packed") {
        auto signature = sign(data + std::string(sha256(told).view()));
        how.alter_signature(signature);
        auto algorithm = keys_->p256 ? hex("26") : keys_->ed ? hex("27") : hex("390100");
        statement = head(5, 2) + text("alg") + algorithm + text("sig") + bytes(signature);
    }
    auto object = head(5, 3) + text("fmt") + text(how.format) + text("attStmt") + statement +
                  text("authData") + bytes(data);
    return credential(
        id, {{"clientDataJSON", base64url_encode(told)},
             {"attestationObject", base64url_encode(object)},
             {"authenticatorData", base64url_encode(data)},
             {"publicKeyAlgorithm", -7},
             {"transports", {"internal", "hybrid", "smoke signals"}}}
    );
}

boost::json::object Authenticator::get(std::string_view challenge, const Ceremony& how) {
    auto told = client_data(how, "webauthn.get", challenge);
    auto data = authenticator_data(how, false);
    auto signature = sign(data + std::string(sha256(told).view()));
    how.alter_signature(signature);
    boost::json::object response{
        {"clientDataJSON", base64url_encode(told)},
        {"authenticatorData", base64url_encode(data)},
        {"signature", base64url_encode(signature)}};
    if (!user_handle.empty()) response["userHandle"] = base64url_encode(user_handle);
    return credential(id, std::move(response));
}

std::string Authenticator::challenge_of(const boost::json::value& options) {
    return base64url_decode(std::string(options.at("challenge").as_string())).value();
}

} // namespace fairlead::test
