/// Why nothing can be asked of a server about one of its environments.
#pragma once

#include "common/runtime/result.hpp"
#include "controller/backups/backup_repo.hpp"
#include "controller/environments/environment_repo.hpp"

#include <string_view>

namespace fairlead::backups {

/// Errc::conflict, code "server_revoked". `what` stands on it: an environment's name, say.
tl::unexpected<Error> revoked(std::string_view what);

/// Errc::conflict, code "not_deployed".
tl::unexpected<Error> not_deployed(const environments::Environment& environment);

/// Errc::conflict, code "backup_not_whole".
Result<> check_whole(const Backup& backup);

/// One of the two, or nothing: its server has it and can be asked.
Result<> check_reachable(const environments::Environment& environment);

} // namespace fairlead::backups
