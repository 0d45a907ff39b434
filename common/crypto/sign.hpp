/// Ed25519 signatures (libsodium).
#pragma once

#include "common/runtime/result.hpp"
#include "common/runtime/secret.hpp"

#include <string>
#include <string_view>

namespace fairlead::crypto {

class VerifyKey {
public:
    /// 32 bytes. Errc::invalid.
    static Result<VerifyKey> from_bytes(std::string_view bytes);
    /// "ed25519:" and the bytes as base64url. Errc::invalid.
    static Result<VerifyKey> parse(std::string_view text);
    std::string str() const;

    bool verify(std::string_view message, std::string_view signature) const;
    const std::string& bytes() const { return bytes_; }
    bool operator==(const VerifyKey&) const = default;

private:
    friend class SigningKey;
    explicit VerifyKey(std::string bytes) : bytes_(std::move(bytes)) {}
    std::string bytes_;
};

class SigningKey {
public:
    static SigningKey generate();
    /// 32 bytes, as `seed()` gave them. Errc::invalid.
    static Result<SigningKey> from_seed(const Secret& seed);

    /// 64 bytes.
    std::string sign(std::string_view message) const;
    VerifyKey verify_key() const;
    Secret seed() const;

private:
    explicit SigningKey(Secret key) : key_(std::move(key)) {}
    Secret key_;
};

} // namespace fairlead::crypto
