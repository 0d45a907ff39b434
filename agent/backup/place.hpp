/// Where an environment's server keeps what its backups need.
#pragma once

#include "agent/deploy/layout.hpp"

#include <filesystem>
#include <string>

namespace fairlead::backup {

struct BackupPlace {
    explicit BackupPlace(const deploy::Place& place) : root(place.root / "backup") {}

    std::filesystem::path root; ///< root's; the environment may pass through it

    /// The environment's age identity, root's alone. Who has it opens every backup.
    std::filesystem::path identity() const { return root / "identity"; }
    /// What goes on without a controller: storage with its keys, schedule; root's alone.
    std::filesystem::path settings() const { return root / "settings.json"; }
    /// One file for each backup that is known not to restore; root's alone.
    std::filesystem::path bad() const { return root / "bad"; }
    /// The worker's, which runs as the environment: what the bucket has already.
    std::filesystem::path state() const { return root / "state"; }
    std::filesystem::path index() const { return state() / "index"; }
    /// The worker's, for one operation.
    std::filesystem::path work() const { return root / "work"; }
    /// The filestore as it was when the backup began: hard links, made by root in a folder where
    /// nobody else can put anything in their way. Of what the bucket has, names in lists.
    std::filesystem::path frozen() const { return root / "frozen"; }
    std::filesystem::path held_before() const { return frozen() / "held.before"; }
    std::filesystem::path held_after() const { return frozen() / "held.after"; }
};

/// Removes what a write in that folder left half done when it was killed.
void clear_strays(const std::filesystem::path& folder);

/// Data on their way in, beside those that are live.
struct Incoming {
    explicit Incoming(const deploy::Place& place)
        : database(place.account + ".incoming"), filestore(place.root / "incoming") {}
    std::string database;
    std::filesystem::path filestore; ///< becomes `Place::filestore()`
};

} // namespace fairlead::backup
