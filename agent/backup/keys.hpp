/// The keys to a storage, as an operation brought them or as the server keeps them.
#pragma once

#include "agent/backup/job.hpp"
#include "agent/backup/place.hpp"
#include "agent/journal/work.hpp"

namespace fairlead::backup {

/// Puts a storage and its keys into a job. After a restart the operation has its secrets no more:
/// then what the environment's settings hold serves, where it is the same storage. Errc::not_found,
/// code "storage_key_missing".
Result<> use_storage(
    Job& job, const proto::Storage& storage, const journal::Work& work, const BackupPlace& place
);

} // namespace fairlead::backup
