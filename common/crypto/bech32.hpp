/// Bech32 (BIP-173): how age writes keys. Without its limit of 90 characters on the data.
#pragma once

#include "common/runtime/result.hpp"
#include "common/runtime/secret.hpp"

#include <string>
#include <string_view>

namespace fairlead::crypto {

/// What stands before the last "1" in lower case, and the bytes behind it.
struct Bech32 {
    std::string prefix;
    Secret data;
};

/// Lower case. The prefix has 1 to 83 characters from ! to ~, none of them upper case.
Secret bech32_encode(std::string_view prefix, std::string_view data);

/// Errc::invalid with the reason, which never repeats the text. At most 1,000 characters.
Result<Bech32> bech32_decode(std::string_view text);

} // namespace fairlead::crypto
