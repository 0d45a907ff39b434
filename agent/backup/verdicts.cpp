#include "agent/backup/verdicts.hpp"

#include "agent/archive/layout.hpp"
#include "agent/deploy/records.hpp"
#include "agent/host/files.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <unistd.h>

#include <algorithm>
#include <array>

namespace fairlead::backup {
namespace {

namespace fs = std::filesystem;

/// A file for each, so that root at the keyboard and the executor cannot undo each other's word.
fs::path mark_of(const BackupPlace& place, const std::string& backup_id) {
    return place.bad() / backup_id;
}

} // namespace

bool damaged(const Error& error) {
    return error.code() == "backup_damaged";
}

bool blames_backup(const Error& error) {
    constexpr std::array<std::string_view, 5> codes{
        "backup_missing", "backup_key_wrong", "restore_failed", "migration_failed", "drill_failed"};
    return damaged(error) || std::ranges::find(codes, error.code()) != codes.end();
}

Result<> note_verdict(const BackupPlace& place, const std::string& backup_id, Verdict verdict) {
    if (!archive::is_backup_id(backup_id)) return {};
    if (verdict == Verdict::good) return host::remove_tree(mark_of(place, backup_id));
    FAIRLEAD_CHECK(host::make_folder(place.bad(), 0700, ::geteuid(), ::getegid()));
    FAIRLEAD_CHECK(write_file(mark_of(place, backup_id), "", 0600));
    return host::remove_tree(place.state() / "packs.json");
}

Result<std::vector<std::string>> bad_backups(const BackupPlace& place) {
    std::vector<std::string> ids;
    std::error_code error;
    fs::directory_iterator at(place.bad(), error), end;
    if (error == std::errc::no_such_file_or_directory) return ids;
    for (; !error && at != end; at.increment(error)) {
        auto name = at->path().filename().string();
        if (archive::is_backup_id(name)) ids.push_back(std::move(name));
    }
    if (error)
        return fail(
            Errc::internal,
            fmt::format("Cannot read {}: {}.", place.bad().string(), error.message())
        );
    return ids;
}

std::optional<BackupPlace>
place_of_backups(const deploy::Layout& layout, const std::string& environment_id) {
    for (const auto& place : deploy::all_places(layout)) {
        auto record = deploy::load_environment(place);
        if (record && *record && (*record)->id == environment_id) return BackupPlace(place);
    }
    return std::nullopt;
}

} // namespace fairlead::backup
