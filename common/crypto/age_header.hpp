/// The header of an age file: who can open it. For age.cpp alone.
#pragma once

#include "common/crypto/age.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace fairlead::crypto::age {

constexpr std::size_t file_key_size = age_file_key_size;

/// Errc::invalid, code "backup_damaged".
tl::unexpected<Error> damaged(std::string what);

/// HKDF-SHA256 with 32 bytes of output (RFC 5869).
Secret derive(std::string_view key, std::string_view salt, std::string_view info);

/// The header that wraps `file_key` for each recipient, up to and with its last line feed.
/// Errc::invalid when a recipient is no point that hides anything.
Result<std::string> write_header(const Secret& file_key, const std::vector<Recipient>& recipients);

/// Collects a header from pieces.
class HeaderReader {
public:
    /// Takes bytes up to the header's end; returns how many. Errc::invalid when this is no header.
    Result<std::size_t> take(std::string_view bytes);
    bool whole() const { return whole_; }
    const std::string& text() const { return text_; }

private:
    std::string text_;
    std::size_t line_at_ = 0; ///< where the line begins whose end has not come yet
    bool whole_ = false;
};

/// The file key of a whole header, checked against its MAC. Errc::invalid, Errc::forbidden: see
/// AgeReader.
Result<Secret> open_header(std::string_view text, const std::vector<Identity>& identities);

/// Whether this file key is that of the header. Errc::invalid, Errc::forbidden as above.
Result<> check_header(std::string_view text, const Secret& file_key);

} // namespace fairlead::crypto::age
