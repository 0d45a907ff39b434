/// Passwords for programs that keep them by PBKDF2 (RFC 8018 section 5.2). Our own are kept by
/// password.hpp's means.
#pragma once

#include "common/runtime/secret.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace fairlead::crypto {

/// PBKDF2 with HMAC-SHA-512. Throws when OpenSSL cannot.
std::string pbkdf2_sha512(
    const Secret& password, std::string_view salt, unsigned iterations, std::size_t bytes
);

} // namespace fairlead::crypto
