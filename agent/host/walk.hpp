/// Trees that somebody else may change or bend while they are read.
#pragma once

#include "common/runtime/result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::host {

/// One folder of a walk. Its descriptor is open while it is visited.
struct WalkedFolder {
    int fd = -1;
    std::string path;               ///< below the root; empty: the root
    std::vector<std::string> files; ///< plain files, by name; at most `files_at_once`

    std::string path_of(std::string_view file) const {
        return path.empty() ? std::string(file) : path + "/" + std::string(file);
    }
};
constexpr std::size_t files_at_once = 10'000; ///< a folder of more is visited more than once
constexpr std::size_t most_folders = 200'000; ///< of a tree

/// Folders as a walk found them. Where nothing was put in or taken out since, the next walk need
/// not look again. Holds the paths of all folders.
struct SeenFolders {
    struct One {
        std::uint64_t inode = 0;
        std::int64_t changed_ns = 0;
        bool settled = false; ///< a change from now on gets another time
        std::vector<std::string> below;
    };
    std::map<std::string, One> all;
    /// Within this time after a change another one may bear the same time.
    std::chrono::nanoseconds settles_after = std::chrono::seconds(2);
};

/// Visits every folder below `root`, a folder's descriptor, and that one first; each before those
/// in it, by name. Follows no link, and holds one folder open at a time. What vanishes meanwhile,
/// and what is neither folder nor plain file, is passed over; with `seen` also the folders of the
/// walk before that nothing was put into or taken out of since, by the time that nobody can set
/// (st_ctim). Ends at the first error, which names the path below `name`; Errc::invalid, code
/// "too_many_folders".
Result<> each_folder(
    int root, std::string_view name, const std::function<Result<>(const WalkedFolder&)>& visit,
    SeenFolders* seen = nullptr
);

} // namespace fairlead::host
