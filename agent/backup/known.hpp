/// What the bucket has of an environment already: files, and the packs that they are in.
#pragma once

#include "agent/archive/index.hpp"
#include "agent/backup/worker_parts.hpp"

#include <filesystem>
#include <map>
#include <optional>

namespace fairlead::backup {

/// Kept in the worker's folder between backups. Only what the bucket shows to be there counts, so
/// nothing is left out of a backup because of a wrong memory.
class Known {
public:
    /// Reads what was saved; where that is lost, the newest backup's own list; where that cannot be
    /// opened, or a backup is known to be bad, nothing is known. Packs that the bucket has not, or
    /// with another size, are forgotten, and all of them where one of job.recipients could not open
    /// them.
    static Result<Known> load(Worker& worker);

    /// Not of what was added and not saved since.
    std::optional<archive::FileEntry> entry(const std::string& path, std::uint64_t size) const;
    Result<archive::PackInfo> pack(const std::string& name) const;
    void
    add(const std::string& name, archive::PackInfo info,
        const std::vector<archive::FileEntry>& members);
    void keep_packs(const std::function<bool(std::string_view)>& keep);
    Result<> save();

    const archive::Index& index() const { return index_; }
    const std::map<std::string, archive::PackInfo>& packs() const { return packs_; }

private:
    Result<> recall(Worker& worker);
    Result<> learn(Worker& worker);
    bool opens_for(std::vector<std::string> wanted) const;
    void forget() {
        index_ = {};
        packs_.clear();
        recipients_.clear();
    }

    std::vector<std::string> recipients_; ///< who can open every one of `packs_`
    std::filesystem::path folder_;
    archive::Index index_;
    archive::FileTable added_; ///< a table is put in order when it is asked, so not with each pack
    std::map<std::string, archive::PackInfo> packs_;
};

} // namespace fairlead::backup
