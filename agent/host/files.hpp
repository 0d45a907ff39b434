/// Trees of files: sizes, copies, removal, and what proves that nobody changed them.
#pragma once

#include "agent/host/walk.hpp"
#include "common/runtime/result.hpp"

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <string>

namespace fairlead::host {

struct DiskSpace {
    std::uint64_t total_bytes = 0;
    std::uint64_t free_bytes = 0; ///< without what is kept back for root
};
Result<DiskSpace> disk_space(const std::filesystem::path& path);

/// Makes the folder (and its parents, 0755 root) and sets owner and mode, also where it was there.
/// Refuses a link in its place.
Result<> make_folder(const std::filesystem::path& folder, mode_t mode, uid_t uid, gid_t gid);

/// Removes it and everything in it; follows no link. Fine when it is gone.
Result<> remove_tree(const std::filesystem::path& path);

/// Of the files that lie as Odoo keeps them ("ab/abcd…"), those that begin with `digit` and are not
/// in `keep`. Follows no link, whoever bends the folder meanwhile. How many went.
Result<std::uint64_t> remove_files_but(
    const std::filesystem::path& folder, char digit, const std::set<std::string, std::less<>>& keep
);

/// Everything in it to root, readable by all, writable by root alone. Follows no link.
Result<> give_to_root(const std::filesystem::path& folder);

/// Everything in it to `uid`. Follows no link.
Result<> give_to(const std::filesystem::path& folder, uid_t uid, gid_t gid);

/// Onto the disk: one sync of the file system that holds it.
Result<> sync_tree(const std::filesystem::path& folder);

/// The same tree in `to`, its files hard links to those in `from`; owners and modes of folders
/// kept. `to` does not exist.
Result<> link_tree(const std::filesystem::path& from, const std::filesystem::path& to);

/// Adds to `to` (made where it is missing) hard links to the files of `from` that it has not yet.
/// For a tree that is in use: what vanishes meanwhile is left out, and so are links. The folders
/// are the caller's own, made where they are needed, and `reader` may read them; Errc::forbidden
/// where one is not. `wanted`, asked with the path below `from` and the size of each file, decides
/// which to link; two threads ask it, never both at once. With `seen` folders are passed over as
/// each_folder does it.
using WantedFile = std::function<bool(const std::string& path, std::uint64_t bytes)>;
Result<> link_new(
    const std::filesystem::path& from, const std::filesystem::path& to, gid_t reader,
    const WantedFile& wanted = {}, SeenFolders* seen = nullptr
);

Result<std::uint64_t> tree_size(const std::filesystem::path& folder);

/// Lines "<sha256>  <path>" of every file below, sorted by path; a link counts with its target's
/// text. Paths with a line feed are refused.
Result<std::string> manifest_of(const std::filesystem::path& folder);

/// The first path that two manifests disagree on, "" when they are equal.
std::string first_difference(std::string_view expected, std::string_view found);

/// Points the link `name` at `target`, in one step.
Result<> replace_link(const std::filesystem::path& name, const std::filesystem::path& target);

} // namespace fairlead::host
