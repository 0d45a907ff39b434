/// How a backup is made: the steps of backup.create, and of every operation that begins with one.
#pragma once

#include "agent/archive/index.hpp"
#include "agent/backup/job.hpp"
#include "agent/backup/place.hpp"
#include "agent/backup/transfer.hpp"
#include "agent/deploy/parts.hpp"
#include "agent/host/walk.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace fairlead::backup {

/// One backup in the making. Odoo may run all the while.
class Making {
public:
    /// `prefix` keeps facts and step names apart where the backup is part of another operation.
    Making(deploy::Site& site, proto::BackupArgs args, std::string prefix = {});

    /// check, freeze, database, filestore, seal. Until seal is done, undoing takes away what was
    /// sent; a backup that is whole stays, whatever becomes of the rest of the operation.
    static std::vector<journal::Step> steps(const std::shared_ptr<Making>& making);

    Result<> check(journal::Work& work);
    Result<> freeze(journal::Work& work);
    Result<> dump(journal::Work& work);
    Result<> send_files(journal::Work& work);
    Result<> seal(journal::Work& work);
    Result<> undo(journal::Work& work);

    /// Applies the retention, after the backup is whole. What goes wrong is told and no failure.
    Result<> prune(journal::Work& work);

private:
    Result<Job> job(journal::Work& work, Task task);
    Result<archive::Manifest> manifest(journal::Work& work);
    /// Links what the bucket has not, and lists what it has and `before` does not name in `held`.
    Result<> freeze_files(const std::filesystem::path& held, const archive::Index& before);
    Result<> remove_work();
    /// What the backup was, which after a restart the journal alone knows.
    Result<> recall_info(journal::Work& work);
    std::string fact(std::string_view name) const {
        return prefix_ + "backup." + std::string(name);
    }

    proto::BackupArgs args_;
    std::string prefix_;
    host::SeenFolders seen_;       ///< of the filestore at the freeze
    std::uint64_t file_bytes_ = 0; ///< that it had
    deploy::Hands hands_;
    BackupPlace place_;
};

journal::Plan backup_plan(deploy::Site& site, proto::BackupArgs args);

} // namespace fairlead::backup
