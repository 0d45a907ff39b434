/// The keys that an issuer publishes (RFC 7517), as far as they can check an ID token.
#pragma once

#include "common/crypto/public_key.hpp"
#include "common/runtime/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::sso {

/// "RS256" and so on; nothing for "none", for anything with a shared secret, and for the rest.
std::optional<crypto::SignatureKind> signature_kind(std::string_view alg);

struct Jwk {
    std::string id;                                  ///< "kid", may be empty
    std::optional<crypto::SignatureKind> only_for{}; ///< "alg"
    std::string issuer; ///< Microsoft's "issuer": the key signs for no other; may be empty
    crypto::PublicKey key;
};

/// Immutable.
class Jwks {
public:
    Jwks() = default;

    /// Keys of other kinds, with odd numbers or for encryption are left out. Errc::invalid for what
    /// is no key set, is larger than `most_bytes`, or has more than `most_keys`.
    static Result<Jwks> parse(std::string_view text);

    /// The key that a token names. Without a name the only one that fits. Errc::not_found
    /// (unknown_key).
    Result<const Jwk*> find(std::string_view id, crypto::SignatureKind kind) const;

    const std::vector<Jwk>& keys() const { return keys_; }

    static constexpr std::size_t most_bytes = 128 * 1024;
    static constexpr std::size_t most_keys = 64;

private:
    std::vector<Jwk> keys_;
};

} // namespace fairlead::sso
