/// What a list shows of a message: three fields of its header, read with care and no further.
#pragma once

#include "proto/mail.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace fairlead::mail {

/// Of a message, as much as is looked at.
inline constexpr std::size_t header_bytes = 64 * 1024;
inline constexpr std::size_t longest_text = 300;

/// Fills `from`, `to` and `subject` from the beginning of a message, which anybody may have
/// written.
void read_header(std::string_view message, proto::MailSummary& into);

/// Words of RFC 2047 in UTF-8, US-ASCII and ISO 8859-1 as text; others stay as they are.
std::string decode_words(std::string_view text);

/// UTF-8 without control characters, at most `most` bytes.
std::string plain(std::string_view text, std::size_t most = longest_text);

} // namespace fairlead::mail
