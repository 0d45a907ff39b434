#include "controller/backups/refusals.hpp"

#include "controller/api/change.hpp"

#include <fmt/core.h>

namespace fairlead::backups {

using api::conflict;
using environments::Environment;

tl::unexpected<Error> revoked(std::string_view what) {
    return conflict(
        "server_revoked",
        fmt::format("The server of {} is revoked: nothing can be sent to it.", what)
    );
}

tl::unexpected<Error> not_deployed(const Environment& environment) {
    return conflict(
        "not_deployed", fmt::format(
                            "{} was not deployed yet: there is nothing of it on its server. Deploy "
                            "it first.",
                            environment.name
                        )
    );
}

Result<> check_whole(const Backup& backup) {
    if (backup.state == BackupState::succeeded) return {};
    std::string_view why = backup.state == BackupState::running   ? "is still being made"
                           : backup.state == BackupState::removed ? "was removed from its bucket"
                                                                  : "did not succeed";
    return conflict(
        "backup_not_whole", fmt::format("This backup {}. Choose one that succeeded.", why)
    );
}

Result<> check_reachable(const Environment& environment) {
    if (environment.server_status == "revoked") return revoked(environment.name);
    if (environment.never_deployed()) return not_deployed(environment);
    return {};
}

} // namespace fairlead::backups
