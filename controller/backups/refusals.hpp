/// Why nothing can be done with a backup, or with the environment that it is of or goes into.
#pragma once

#include "controller/backups/backup_repo.hpp"
#include "controller/environments/refusals.hpp"

namespace fairlead::backups {

using environments::check_reachable, environments::not_deployed, environments::revoked;

/// Errc::conflict, code "backup_not_whole".
Result<> check_whole(const Backup& backup);

} // namespace fairlead::backups
