/// What a server keeps of an environment's backups so that they go on without a controller.
#pragma once

#include "agent/backup/place.hpp"
#include "common/runtime/result.hpp"
#include "proto/operations.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>

namespace fairlead::backup {

struct SavedSettings {
    std::string environment_id;
    proto::BackupSettings settings;
    std::string secret_key;
    std::string session_token;
};
BOOST_DESCRIBE_STRUCT(SavedSettings, (), (environment_id, settings, secret_key, session_token))

Result<std::optional<SavedSettings>> load_settings(const BackupPlace& place);
/// The folder is there (`ensure_identity`).
Result<> save_settings(const BackupPlace& place, const SavedSettings& settings);
Result<> forget_settings(const BackupPlace& place);

} // namespace fairlead::backup
