/// Letters of UTF-8 (RFC 3629). Whatever a program printed or a stranger wrote becomes text by
/// these before it is stored or sent.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fairlead::utf8 {

/// Bytes of the letter that `text` begins with: 1 to 4, or 0 where none begins there (cut, too
/// long a spelling, a surrogate, beyond U+10FFFF, or nothing left).
std::size_t letter(std::string_view text);

bool valid(std::string_view text);

/// The same with U+FFFD for every byte that belongs to no letter. Valid text stays as it is.
std::string repaired(std::string_view text);

/// The beginning, at most `bytes` of it, that ends with a whole letter.
std::string_view cut(std::string_view text, std::size_t bytes);

} // namespace fairlead::utf8
