/// What copies say: where they failed and what to do, and how it goes without a controller.
#pragma once

#include "controller/api/audit_log.hpp"
#include "controller/backups/backup_repo.hpp"
#include "controller/backups/copy_repo.hpp"
#include "controller/backups/storage_repo.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace fairlead::backups {

/// Whether operations of this kind may be one of several.
bool is_step(std::string_view kind);

/// An audit entry about the target of a copy, to be completed.
api::Act act_on(const Copy& copy, std::string action);

/// A sentence for people: at which step, why, and what is to be done. `why` ends it.
std::string
failure_of(const Copy& copy, std::string_view step, std::string_view server, std::string_view why);

/// What to do without the server that has the key: the command that restores with the recovery key,
/// on the server of the target; or that there is none.
std::string
by_hand(const Backup& backup, const std::optional<Storage>& storage, std::string_view target_slug);

} // namespace fairlead::backups
