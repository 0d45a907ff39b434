/// What the last drill, restore or verification said of each backup of an environment, so that
/// retention counts on none that is known not to restore. On the server, whoever else is away.
#pragma once

#include "agent/backup/place.hpp"
#include "common/runtime/result.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fairlead::backup {

/// Whether a drill that ended so says something of the backup, and not of the bucket's being out of
/// reach, of a full disk, or of a cancellation.
bool blames_backup(const Error& error);
/// The same of a restore and of a verification: where pg_restore or Odoo fails in these, it may be
/// for the server they came to.
bool damaged(const Error& error);

/// A good word takes a bad one back. After a bad one, the next backup sends all files anew: the
/// bucket's are not relied on.
enum class Verdict { good, bad };
Result<> note_verdict(const BackupPlace& place, const std::string& backup_id, Verdict verdict);

/// Ids of those whose last word was a bad one.
Result<std::vector<std::string>> bad_backups(const BackupPlace& place);

/// Where the environment of that id keeps its backups' settings here; nothing where it is not of
/// this server.
std::optional<BackupPlace>
place_of_backups(const deploy::Layout& layout, const std::string& environment_id);

} // namespace fairlead::backup
