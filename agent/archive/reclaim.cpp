#include "agent/archive/reclaim.hpp"

#include <stdexcept>

namespace fairlead::archive {
namespace {

/// FNV-1a over both names, 64 bits: two files of ten million fall together once in 370,000 times,
/// and then a pack seems used a little less.
std::uint64_t mix(std::string_view path, std::string_view pack) {
    std::uint64_t hash = 0xcbf29ce484222325;
    auto add = [&](unsigned char byte) { hash = (hash ^ byte) * 0x100000001b3; };
    for (unsigned char byte : path) add(byte);
    add(0);
    for (unsigned char byte : pack) add(byte);
    return hash;
}

} // namespace

void PackUse::add(const FileEntry& entry) {
    if (seen_.size() >= max_files) throw std::length_error("too many files in too many backups");
    auto& bytes = bytes_[entry.pack];
    if (seen_.insert(mix(entry.path, entry.pack)).second) bytes += entry.size;
}

ReclaimPlan packs_to_reclaim(
    const std::vector<ListedPack>& packs, const PackUse& use, std::chrono::milliseconds grace,
    Timestamp now
) {
    ReclaimPlan plan;
    for (const auto& pack : packs) {
        if (now - pack.at < grace) continue;
        auto used = use.bytes().find(pack.name);
        if (used == use.bytes().end())
            plan.remove.push_back(pack.name);
        else if (used->second < pack.content_bytes / 3)
            plan.rewrite.push_back(pack.name);
    }
    return plan;
}

} // namespace fairlead::archive
