/// Copies of trees that belong to somebody else, made with that user's rights.
#pragma once

#include "common/runtime/result.hpp"

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

namespace fairlead::host {

/// A folder, and the user whose rights count in it: nothing is reached that this user cannot reach.
struct OwnedFolder {
    std::filesystem::path folder;
    uid_t uid = 0;
    gid_t gid = 0;
};

struct CopyOptions {
    unsigned threads = 2;  ///< 1 or more; each takes whole folders
    std::string_view skip; ///< a folder right below the top that stays out
    std::stop_token stop;
    /// From the calling thread, twice a second, as often as `stop` is looked at. May not block.
    std::function<void(std::uint64_t bytes)> told;
};

/// Copies the plain files below `from` that `to` lacks, or has with another size or time of change,
/// with their permissions and times; returns their bytes. By copy_file_range(2), which shares
/// blocks where the file system can. `to` exists. For a tree that is in use: what vanishes
/// meanwhile is left out, and so is what is neither folder nor plain file; a second call brings
/// what was written meanwhile. As root the calling thread keeps its rights, and threads of this
/// call's own take those of the two users (setfsuid(2)). Errc::internal names the file;
/// Errc::conflict, code "cancelled". What was copied until then stays.
Result<std::uint64_t>
copy_new(const OwnedFolder& from, const OwnedFolder& to, const CopyOptions& options = {});

} // namespace fairlead::host
