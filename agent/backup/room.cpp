#include "agent/backup/room.hpp"

#include "agent/deploy/preflight.hpp"
#include "agent/host/files.hpp"

#include <fmt/core.h>

#include <sys/stat.h>

namespace fairlead::backup {
namespace {

constexpr std::uint64_t spare = 256ULL << 20;

std::uint64_t with_spare(std::uint64_t bytes) {
    return bytes + bytes / 10 + spare;
}

Result<Disk> disk_of(const std::filesystem::path& folder) {
    Disk disk;
    disk.path = folder;
    FAIRLEAD_TRY(space, host::disk_space(folder));
    disk.free_bytes = space.free_bytes;
    struct stat info {};
    if (::stat(folder.c_str(), &info) != 0)
        return fail(Errc::internal, fmt::format("Cannot look at {}.", folder.string()));
    disk.device = info.st_dev;
    return disk;
}

} // namespace

Result<Disks> disks_of(deploy::Hands& hands) {
    FAIRLEAD_TRY(files, disk_of(hands.layout().base));
    FAIRLEAD_TRY(folder, hands.postgresql().rows("postgres", "postgres", "SHOW data_directory"));
    if (folder.size() != 1)
        return fail(Errc::internal, "PostgreSQL does not say where its files are.");
    FAIRLEAD_TRY(postgresql, disk_of(folder.front()));
    Disks disks;
    disks.files = std::move(files);
    disks.postgresql = std::move(postgresql);
    return disks;
}

std::optional<Lack> lacking(const Disks& disks, const Room& room) {
    if (disks.files.device == disks.postgresql.device) {
        auto need = with_spare(room.database + room.files);
        if (disks.files.free_bytes < need) return Lack{disks.files, need};
        return std::nullopt;
    }
    auto database = with_spare(room.database), files = with_spare(room.files);
    if (room.database > 0 && disks.postgresql.free_bytes < database)
        return Lack{disks.postgresql, database};
    if (disks.files.free_bytes < files) return Lack{disks.files, files};
    return std::nullopt;
}

Result<> need_room(const Disks& disks, const Room& room, std::string_view who) {
    auto lack = lacking(disks, room);
    if (!lack) return {};
    auto free = lack->disk.free_bytes;
    return fail(Error(
                    Errc::conflict,
                    fmt::format(
                        "Disk space: {} are free on the disk of {} and {} {}. Free at least {}.",
                        deploy::human(free), lack->disk.path.string(), who,
                        deploy::human(lack->need), deploy::human(lack->need - free)
                    )
    )
                    .with_code("preflight_failed"));
}

} // namespace fairlead::backup
