/// How data from elsewhere fit an environment.
#pragma once

#include "agent/backup/room.hpp"
#include "agent/deploy/parts.hpp"

#include <string>
#include <vector>

namespace fairlead::backup {

/// What data are held against.
struct Target {
    std::string slug;
    std::string odoo_version;
    std::vector<std::string> modules; ///< that its release has; sorted
    std::string postgresql_version;
    std::vector<std::string> extensions; ///< that the owner of a database may make there; sorted
    Disks disks;
};

/// Fills checks, `fits`, and which modules are missing.
void judge(proto::ImportAnalysis& found, const Target& target);

/// The same against the live release of the environment and its server.
Result<>
compare(proto::ImportAnalysis& found, deploy::Hands& hands, const std::string& environment_id);

/// Disk space that the data will take once they are loaded.
Room room_of(const proto::ImportAnalysis& found);

} // namespace fairlead::backup
