/// A grant: the keys of one backup's objects, for one recipient beside those that they were
/// encrypted for. The server that has the environment's identity makes it; that identity stays
/// where it is.
#pragma once

#include "common/crypto/age.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/result.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::archive {

constexpr std::uint32_t grant_format = 1;
/// Of a grant as it is stored: more than manifest_max_packs keys need.
constexpr std::size_t grant_limit = 16 * 1024 * 1024;

/// By the object's name below the storage's prefix: see crypto::age_file_key.
using FileKeys = std::map<std::string, Secret, std::less<>>;

/// One small age file for `recipient` alone. Errc::invalid, code "too_large", beyond grant_limit.
Result<std::string> write_grant(
    std::string_view environment_id, std::string_view backup_id, const crypto::Recipient& recipient,
    const FileKeys& keys, Timestamp made_at
);

/// The keys of a grant of this very backup to one of `identities` (at least one). Errc::forbidden,
/// code "backup_key_wrong", when it was made for others. Errc::invalid: "backup_damaged" when it
/// was altered, "grant_wrong" when it is that of another backup or recipient, or of another format.
Result<FileKeys> read_grant(
    std::string_view sealed, const std::vector<crypto::Identity>& identities,
    std::string_view environment_id, std::string_view backup_id
);

} // namespace fairlead::archive
