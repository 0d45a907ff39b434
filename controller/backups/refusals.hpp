/// Why nothing can be done with a backup, or with the environment that it is of or goes into.
#pragma once

#include "controller/backups/backup_repo.hpp"
#include "controller/backups/storage_repo.hpp"
#include "controller/environments/masking.hpp"
#include "controller/environments/refusals.hpp"

#include <string_view>

namespace fairlead::backups {

using environments::check_masking, environments::check_reachable, environments::names_of,
    environments::not_deployed, environments::revoked;

/// Errc::conflict, code "backup_not_whole".
Result<> check_whole(const Backup& backup);

/// "s3.example.org" of "https://s3.example.org:9000".
std::string_view host_of(const Storage& storage);

/// Before data come from there: Errc::conflict, code "source_not_listed", where the organization
/// lists its sources and the storage is at none of them. One that is gone passes.
Result<> check_listed(store::Connection& db, const api::OrgScope& scope, const StorageId& storage);

} // namespace fairlead::backups
