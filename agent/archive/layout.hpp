/// The names of a backup's objects in a bucket, below the storage's prefix. The only place that
/// makes or reads them.
#pragma once

#include "common/runtime/id.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace fairlead::archive {

FAIRLEAD_ID(PackId, "pck_", "pack");

/// `<environment>/backups/`: what a listing of an environment's backups asks for.
std::string backups_prefix(std::string_view environment_id);
/// `<environment>/backups/<backup>/`.
std::string backup_prefix(std::string_view environment_id, std::string_view backup_id);
/// Written last: a backup without it is none.
std::string manifest_key(std::string_view environment_id, std::string_view backup_id);
std::string database_key(std::string_view environment_id, std::string_view backup_id);
std::string files_key(std::string_view environment_id, std::string_view backup_id);
/// `<environment>/packs/`.
std::string packs_prefix(std::string_view environment_id);
std::string pack_key(std::string_view environment_id, std::string_view pack);
/// `<environment>/grants/<backup>/`: who else can open it (grant.hpp).
std::string grants_prefix(std::string_view environment_id, std::string_view backup_id);
/// `recipient`: "age1…".
std::string
grant_key(std::string_view environment_id, std::string_view backup_id, std::string_view recipient);

/// "bak_" and a ULID.
bool is_backup_id(std::string_view text);

/// The backup of a key below backups_prefix ("bak_…"), the pack of one below packs_prefix; empty
/// for a key that is not ours.
std::optional<std::string> backup_of_key(std::string_view environment_id, std::string_view key);
std::optional<std::string> pack_of_key(std::string_view environment_id, std::string_view key);

} // namespace fairlead::archive
