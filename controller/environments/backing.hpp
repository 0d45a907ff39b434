/// What backups do for environments, which know nothing of storages; `backups` implements it.
#pragma once

#include "common/store/store.hpp"
#include "controller/environments/environment_repo.hpp"
#include "controller/operations/model.hpp"
#include "proto/operations.hpp"

#include <optional>

namespace fairlead::environments {

/// Called inside the transaction of the act.
class Backing {
public:
    virtual ~Backing() = default;

    /// A backup for an operation on this environment to begin with. Nothing where its backup policy
    /// has no storage; Errc::conflict (backup_not_ready) where its server has not taken the policy.
    virtual Result<std::optional<proto::BackupArgs>> plan(
        store::UnitOfWork& unit, const api::OrgScope& scope, const Environment& environment,
        proto::BackupKind kind
    ) = 0;

    /// The operation that begins with it is stored: the backup is listed from now on.
    virtual Result<> begun(
        store::UnitOfWork& unit, const api::OrgScope& scope, const Environment& environment,
        const operations::Operation& operation, const proto::BackupArgs& backup
    ) = 0;

    /// The environment's rows go. Its backups stay listed.
    virtual Result<>
    gone(store::UnitOfWork& unit, const api::OrgScope& scope, const Environment& environment) = 0;
};

} // namespace fairlead::environments
