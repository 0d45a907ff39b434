/// Bearer tokens: "flt_" + 32 random characters + 6 of checksum. The prefix lets secret scanners
/// find them; the checksum tells a typo without a look-up; only the hash is stored.
#pragma once

#include "common/runtime/secret.hpp"

#include <string>
#include <string_view>

namespace fairlead::crypto {

/// 160 random bits in lower-case base 32 (a-z, 2-7).
Secret make_token(std::string_view prefix);

/// True when it has the prefix, the length, the alphabet and the right checksum: worth a look-up.
bool well_formed_token(std::string_view prefix, std::string_view token);

/// What is stored and looked up: SHA-256 in hex. Enough for 160 random bits; never for passwords.
std::string token_hash(std::string_view token);

} // namespace fairlead::crypto
