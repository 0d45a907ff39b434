/// Bytes as text and back. Decoding is strict: one spelling per value, Errc::invalid for anything
/// else.
#pragma once

#include "common/runtime/result.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace fairlead::crypto {

/// Lower case; decoding takes lower case only.
std::string hex_encode(std::string_view bytes);
Result<std::string> hex_decode(std::string_view text);
/// Into `bytes`, which has half the text's size; else, and for what is no hex, false.
bool hex_decode(std::string_view text, std::span<std::uint8_t> bytes);

/// RFC 4648 section 5 without padding.
std::string base64url_encode(std::string_view bytes);
Result<std::string> base64url_decode(std::string_view text);

/// RFC 4648 section 4 with padding.
std::string base64_encode(std::string_view bytes);
Result<std::string> base64_decode(std::string_view text);

/// RFC 4648 section 6 without padding, upper case.
std::string base32_encode(std::string_view bytes);

} // namespace fairlead::crypto
