/// Disk space for data that come in beside what is there.
#pragma once

#include "agent/deploy/parts.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

namespace fairlead::backup {

/// What comes in, in bytes.
struct Room {
    std::uint64_t database = 0;
    std::uint64_t files = 0;
};

struct Disk {
    std::filesystem::path path;   ///< a folder on it, for messages
    std::uint64_t device = 0;     ///< the same for all folders of one disk
    std::uint64_t free_bytes = 0; ///< without what is kept back for root
};

/// Where files and databases are; often one disk.
struct Disks {
    Disk files;
    Disk postgresql;
};

/// As they are now.
Result<Disks> disks_of(deploy::Hands& hands);

/// The disk that is too small, and what is needed there: what comes, a tenth more, and something
/// for whatever else runs.
struct Lack {
    Disk disk;
    std::uint64_t need = 0;
};
std::optional<Lack> lacking(const Disks& disks, const Room& room);

/// Code "preflight_failed" where something is lacking; `who` needs it, and why: "a drill needs".
Result<> need_room(const Disks& disks, const Room& room, std::string_view who);

} // namespace fairlead::backup
