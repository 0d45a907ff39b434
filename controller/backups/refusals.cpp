#include "controller/backups/refusals.hpp"

#include "controller/api/change.hpp"

#include <fmt/core.h>

namespace fairlead::backups {

using api::conflict;

Result<> check_whole(const Backup& backup) {
    if (backup.state == BackupState::succeeded) return {};
    std::string_view why = backup.state == BackupState::running   ? "is still being made"
                           : backup.state == BackupState::removed ? "was removed from its bucket"
                                                                  : "did not succeed";
    return conflict(
        "backup_not_whole", fmt::format("This backup {}. Choose one that succeeded.", why)
    );
}

} // namespace fairlead::backups
