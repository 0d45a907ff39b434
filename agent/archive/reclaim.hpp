/// Which packs in a bucket are of use no longer.
#pragma once

#include "agent/archive/file_list.hpp"
#include "common/runtime/clock.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_set>
#include <vector>

namespace fairlead::archive {

/// A pack as the bucket lists it.
struct ListedPack {
    std::string name;
    Timestamp at;                    ///< when it was stored, by the bucket's clock
    std::uint64_t content_bytes = 0; ///< 0: not known
};

/// How much of each pack the remaining backups still use. A file that several backups share counts
/// once. About 50 bytes a file.
class PackUse {
public:
    /// All entries of all remaining backups' lists. Throws std::length_error past max_files.
    void add(const FileEntry& entry);
    const std::map<std::string, std::uint64_t, std::less<>>& bytes() const { return bytes_; }

private:
    std::unordered_set<std::uint64_t> seen_;
    std::map<std::string, std::uint64_t, std::less<>> bytes_;
};

struct ReclaimPlan {
    std::vector<std::string> remove;  ///< no remaining backup names them, and they are old enough
    std::vector<std::string> rewrite; ///< less than a third of their content is still used
};

/// A pack that is younger than `grace` is left alone: a backup that is being made has named it
/// nowhere yet.
ReclaimPlan packs_to_reclaim(
    const std::vector<ListedPack>& packs, const PackUse& use, std::chrono::milliseconds grace,
    Timestamp now
);

} // namespace fairlead::archive
