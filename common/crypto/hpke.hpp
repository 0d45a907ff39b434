/// Hybrid Public Key Encryption (RFC 9180), one message, base mode: DHKEM(P-256, HKDF-SHA256),
/// HKDF-SHA256, AES-128-GCM. All of it is in browsers' WebCrypto, so that a page can be told
/// something that the controller in between cannot read.
#pragma once

#include "common/crypto/p256.hpp"
#include "common/runtime/result.hpp"
#include "common/runtime/secret.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace fairlead::crypto {

/// Of a public key: an uncompressed point of P-256 (SEC 1), as WebCrypto exports it by "raw".
constexpr std::size_t hpke_key_size = 65;
constexpr std::size_t hpke_overhead = hpke_key_size + 16;

/// The encapsulated key and the ciphertext. `info` is not in it; opening needs the same one.
/// Errc::invalid for a recipient that is no point of the curve.
Result<std::string>
hpke_seal(std::string_view recipient, std::string_view info, std::string_view plain);

/// The same with a key of the caller's in place of a fresh one, and with additional data: for
/// published vectors. A key that seals twice gives both messages away.
Result<std::string> hpke_seal_by(
    const P256Key& ephemeral, std::string_view recipient, std::string_view info,
    std::string_view additional, std::string_view plain
);

/// Errc::invalid when the bytes were altered or cut, or are for another key or `info`.
Result<Secret> hpke_open(const P256Key& key, std::string_view info, std::string_view sealed);

/// The public half as `hpke_seal` takes it.
std::string hpke_public(const P256Key& key);

} // namespace fairlead::crypto
