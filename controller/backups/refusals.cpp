#include "controller/backups/refusals.hpp"

#include "controller/api/change.hpp"
#include "controller/members/source_domains.hpp"

#include <fmt/core.h>

#include <algorithm>

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

std::string_view host_of(const Storage& storage) {
    std::string_view host = storage.endpoint;
    host.remove_prefix(std::min(host.find("://") + 3, host.size()));
    return host.substr(0, host.find(':'));
}

Result<> check_listed(store::Connection& db, const api::OrgScope& scope, const StorageId& id) {
    FAIRLEAD_TRY(storage, StorageRepo(db, scope).find(id));
    FAIRLEAD_TRY(domains, members::listed_domains(db, scope));
    if (!storage || members::allows(domains, host_of(*storage))) return {};
    return conflict(
        "source_not_listed",
        fmt::format(
            "The storage \"{}\" is at {}, which is not among the domains that the organization's "
            "security settings let data come from. Add it there, or take data from elsewhere.",
            storage->name, host_of(*storage)
        )
    );
}

} // namespace fairlead::backups
