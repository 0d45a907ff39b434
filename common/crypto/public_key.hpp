/// Public keys of others as the numbers that they are published as (RFC 7518, RFC 8037), and the
/// signatures that they check (OpenSSL).
#pragma once

#include "common/runtime/result.hpp"

#include <memory>
#include <string_view>

struct evp_pkey_st;

namespace fairlead::crypto {

/// How a signature is made: RFC 7518 sections 3.3 to 3.5, RFC 8037 section 3.1. There is none with
/// a shared secret, so no public key can be taken for one.
enum class SignatureKind {
    rs256,     ///< RSA, PKCS #1 v1.5, SHA-256
    ps256,     ///< RSA, PSS with SHA-256 and a salt of 32 bytes
    es256,     ///< ECDSA on P-256 with SHA-256; the signature is r and s, 32 bytes each
    es256_der, ///< the same, the signature in DER
    eddsa,     ///< Ed25519
};

/// Immutable; thread-safe for checking.
class PublicKey {
public:
    /// Big-endian, 2048 to 8192 bits. Errc::invalid for other lengths, even numbers, and exponents
    /// that are not from 3 to 2^32.
    static Result<PublicKey> rsa(std::string_view modulus, std::string_view exponent);
    /// 32 bytes each, big-endian. Errc::invalid for what is no point of P-256.
    static Result<PublicKey> p256(std::string_view x, std::string_view y);
    /// 32 bytes. Errc::invalid.
    static Result<PublicKey> ed25519(std::string_view bytes);

    /// Is this the type of key that makes such signatures?
    bool fits(SignatureKind kind) const;
    /// False also where the key is of another type.
    bool verify(SignatureKind kind, std::string_view message, std::string_view signature) const;

private:
    enum class Type { rsa, p256, ed25519 };
    struct Free {
        void operator()(evp_pkey_st* key) const;
    };
    PublicKey(Type type, evp_pkey_st* key) : type_(type), key_(key) {}
    static Result<PublicKey> from_data(Type type, const char* name, void* parameters);

    Type type_;
    std::unique_ptr<evp_pkey_st, Free> key_;
};

} // namespace fairlead::crypto
