/// The backups of one environment, as the bucket shows them.
#pragma once

#include "agent/backup/worker_parts.hpp"

#include <string>
#include <vector>

namespace fairlead::backup {

struct Listed {
    archive::Manifest manifest;
    Timestamp started;
};

/// Whole backups, newest first; at most 2,000 (Errc::invalid beyond). A manifest that cannot be
/// read is told and left out, as nothing of it may be removed either: `unreadable` gets its id.
Result<std::vector<Listed>>
catalogue(Worker& worker, std::vector<std::string>* unreadable = nullptr);

} // namespace fairlead::backup
