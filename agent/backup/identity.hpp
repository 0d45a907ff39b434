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

/// Puts the identity of an environment that is being deleted where it outlives it; nothing where
/// there was none. May be called again.
Result<std::optional<std::filesystem::path>> keep_identity(
    const deploy::Layout& layout, const deploy::Place& place, const std::string& environment_id
);

/// The identity of an environment of this server, or of one that was deleted here.
Result<std::optional<crypto::Identity>> identity_of(
    const deploy::Layout& layout, const deploy::Place& place, const std::string& environment_id
);

} // namespace fairlead::backup
