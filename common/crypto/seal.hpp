/// Authenticated encryption with XChaCha20-Poly1305 (libsodium).
#pragma once

#include "common/runtime/result.hpp"
#include "common/runtime/secret.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace fairlead::crypto {

constexpr std::size_t seal_key_size = 32;
constexpr std::size_t seal_overhead = 24 + 16;

/// Nonce and ciphertext. `context` is not stored; opening needs the same one. The key has 32 bytes,
/// else std::logic_error.
std::string seal(const Secret& key, std::string_view plain, std::string_view context);

/// Errc::invalid when the bytes were altered or cut, or when key or context are not those that
/// sealed them.
Result<Secret> open(const Secret& key, std::string_view sealed, std::string_view context);

} // namespace fairlead::crypto
