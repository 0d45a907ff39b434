/// Public keys of passkeys, as COSE writes them (RFC 9052 section 7, RFC 9053, RFC 8230).
#pragma once

#include "common/crypto/public_key.hpp"
#include "common/runtime/result.hpp"

#include <string_view>

namespace fairlead::crypto {

/// Immutable; thread-safe for checking.
class CoseKey {
public:
    /// The numbers of the IANA registry "COSE Algorithms".
    enum class Algorithm { es256 = -7, eddsa = -8, rs256 = -257 };

    /// One map and nothing after it. Errc::invalid unless it is a key for ES256 on P-256, for EdDSA
    /// on Ed25519, or for RS256 with 2048 to 4096 bits and the exponent 65537.
    static Result<CoseKey> from_bytes(std::string_view bytes);

    Algorithm algorithm() const { return algorithm_; }
    /// ECDSA's signatures are DER (Web Authentication section 6.5.6).
    bool verify(std::string_view message, std::string_view signature) const;

private:
    CoseKey(Algorithm algorithm, PublicKey key) : algorithm_(algorithm), key_(std::move(key)) {}

    Algorithm algorithm_;
    PublicKey key_;
};

} // namespace fairlead::crypto
