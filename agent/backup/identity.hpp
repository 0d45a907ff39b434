/// The key that opens an environment's backups: made on the server, and never sent anywhere.
#pragma once

#include "agent/backup/place.hpp"
#include "common/crypto/age.hpp"
#include "common/runtime/result.hpp"

#include <optional>

namespace fairlead::backup {

/// Makes it where there is none. The folders of `place` are made too, for the environment's
/// Unix user `account`.
Result<crypto::Identity> ensure_identity(const BackupPlace& place, const std::string& account);

/// Nothing where none was made. Errc::forbidden when others could read it.
Result<std::optional<crypto::Identity>> load_identity(const BackupPlace& place);

} // namespace fairlead::backup
