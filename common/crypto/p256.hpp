/// ECDSA keys on P-256 (OpenSSL): what agents, servers and the controller's CA hold.
#pragma once

#include "common/crypto/hash.hpp"
#include "common/runtime/result.hpp"
#include "common/runtime/secret.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

struct evp_pkey_st;

namespace fairlead::crypto {

/// A private key. Movable; thread-safe for signing.
class P256Key {
public:
    static P256Key generate();
    /// PKCS#8 or SEC1, unencrypted, at most 4 KiB; Errc::invalid for anything but a P-256 private
    /// key.
    static Result<P256Key> from_pem(std::string_view pem);
    /// Reads a PEM file. The error names the file.
    static Result<P256Key> load(const std::filesystem::path& file);

    P256Key(P256Key&&) noexcept = default;
    P256Key& operator=(P256Key&&) noexcept = default;

    /// PKCS#8.
    Secret to_pem() const;
    /// Writes the PEM with mode 0600 (or as told), atomically.
    Result<> save(const std::filesystem::path& file, unsigned mode = 0600) const;

    /// SubjectPublicKeyInfo in DER.
    std::string public_der() const;
    /// SHA-256 of public_der: what a server's key is known by.
    Digest spki_sha256() const;

    /// ECDSA over SHA-256 of the message, in DER.
    std::string sign(std::string_view message) const;

    /// For common/net and this folder.
    evp_pkey_st* native() const { return key_.get(); }

private:
    struct Free {
        void operator()(evp_pkey_st* key) const;
    };
    explicit P256Key(evp_pkey_st* key) : key_(key) {}
    std::unique_ptr<evp_pkey_st, Free> key_;
};

/// Checks a signature made by P256Key::sign. False also for keys that are not on P-256.
bool verify_p256(std::string_view public_der, std::string_view message, std::string_view signature);

} // namespace fairlead::crypto
