#include "common/crypto/sign.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"

#include <sodium.h>

namespace fairlead::crypto {
namespace {

constexpr std::string_view kind = "ed25519:";

const unsigned char* raw(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* raw(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}

/// libsodium's secret key is the seed followed by the public key.
Secret expand(std::string_view seed) {
    std::string secret(crypto_sign_SECRETKEYBYTES, '\0');
    std::string open(crypto_sign_PUBLICKEYBYTES, '\0');
    crypto_sign_seed_keypair(raw(open), raw(secret), raw(seed));
    return Secret(std::move(secret));
}

} // namespace

Result<VerifyKey> VerifyKey::from_bytes(std::string_view bytes) {
    if (bytes.size() != crypto_sign_PUBLICKEYBYTES)
        return fail(Errc::invalid, "An Ed25519 public key has 32 bytes.");
    return VerifyKey(std::string(bytes));
}

Result<VerifyKey> VerifyKey::parse(std::string_view text) {
    auto bytes = text.starts_with(kind)
                     ? base64url_decode(text.substr(kind.size()))
                     : Result<std::string>(fail(Errc::invalid, "it begins otherwise"));
    if (!bytes || bytes->size() != crypto_sign_PUBLICKEYBYTES)
        return fail(
            Errc::invalid,
            "\"" + std::string(text.substr(0, 100)) +
                "\" is no public key: \"ed25519:\" and 43 characters of base64url are."
        );
    return VerifyKey(std::move(*bytes));
}

std::string VerifyKey::str() const {
    return std::string(kind) + base64url_encode(bytes_);
}

bool VerifyKey::verify(std::string_view message, std::string_view signature) const {
    if (signature.size() != crypto_sign_BYTES) return false;
    return crypto_sign_verify_detached(raw(signature), raw(message), message.size(), raw(bytes_)) ==
           0;
}

SigningKey SigningKey::generate() {
    auto seed = random_secret(crypto_sign_SEEDBYTES);
    return SigningKey(expand(seed.reveal()));
}

Result<SigningKey> SigningKey::from_seed(const Secret& seed) {
    if (seed.reveal().size() != crypto_sign_SEEDBYTES)
        return fail(Errc::invalid, "An Ed25519 seed has 32 bytes.");
    return SigningKey(expand(seed.reveal()));
}

std::string SigningKey::sign(std::string_view message) const {
    std::string signature(crypto_sign_BYTES, '\0');
    crypto_sign_detached(raw(signature), nullptr, raw(message), message.size(), raw(key_.reveal()));
    return signature;
}

VerifyKey SigningKey::verify_key() const {
    return VerifyKey(std::string(key_.reveal().substr(crypto_sign_SEEDBYTES)));
}

Secret SigningKey::seed() const {
    return Secret(std::string(key_.reveal().substr(0, crypto_sign_SEEDBYTES)));
}

} // namespace fairlead::crypto
