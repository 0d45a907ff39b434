/// What a person does with backups at the keyboard of a server, with no controller at all.
#pragma once

#include "common/runtime/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace fairlead::backup {

/// Where the backups are, and what opens them: an environment of this server knows both; or all of
/// it is given. The secret key comes in FAIRLEAD_SECRET_KEY, a session token in
/// FAIRLEAD_SESSION_TOKEN.
struct Source {
    std::string environment; ///< its name on this server
    std::string endpoint, region = "auto", bucket, prefix, access_key, ca_file;
    bool virtual_host = false;
    std::string environment_id; ///< "env_…": whose backups, where `environment` is not given
    std::string identity_file;  ///< as age-keygen writes it; else the environment's own
};

/// Prints the backups, newest first.
Result<> list_backups(const Source& source);
/// Reads every byte of one, and says whether it is whole.
Result<> verify_backup(const Source& source, const std::string& backup);
/// Writes `database.dump` (for pg_restore) and `filestore/` into `folder`, which is made.
Result<> fetch_backup(const Source& source, const std::string& backup, const std::string& folder);

struct Into {
    std::string environment; ///< of this server
    std::string parts = "both";
    bool neutralise = false;
    std::vector<std::string> mask; ///< "contacts", "messages", "documents"
    bool no_safety = false;        ///< replace the data without a backup of them
};
/// Puts one in place of an environment's data: an operation like any other, undone when it fails.
/// Follows it to its end.
Result<> restore_backup(const Source& source, const std::string& backup, const Into& into);

} // namespace fairlead::backup
