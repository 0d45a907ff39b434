#include "agent/backup/due.hpp"

#include "agent/backup/settings.hpp"
#include "agent/deploy/records.hpp"
#include "agent/host/files.hpp"
#include "agent/policy/shape.hpp"
#include "common/json/json.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/id.hpp"
#include "common/runtime/log.hpp"
#include "common/runtime/process.hpp"
#include "common/runtime/secret.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

#include <chrono>
#include <thread>

namespace fairlead::backup {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr const char* executor = "fairlead-executor.service";
constexpr auto longest_wait = 120s;

fs::path notes(const deploy::Layout& layout) {
    return layout.base / "executor/due";
}

struct Asked {
    proto::Operation operation;
    proto::Born born;
};

constexpr std::size_t largest_note = 1 << 20;

Result<Asked> restore_for(const fs::path& file) {
    FAIRLEAD_TRY(text, read_file(file, largest_note));
    auto note = json::decode<RestoreNote>(text, json::Strictness::exact);
    wipe(text);
    FAIRLEAD_CHECK(note);
    Asked asked;
    auto& operation = asked.operation;
    operation.id = note->operation;
    operation.kind = proto::kind::restore;
    operation.requested_by = "root";
    operation.args = proto::write(note->args);
    const auto& storage = note->args.backup.storage.id;
    operation.secrets["storage:" + storage] = std::move(note->secret_key);
    if (!note->session_token.empty())
        operation.secrets["storage_token:" + storage] = std::move(note->session_token);
    for (std::size_t i = 0; i < note->identities.size(); ++i)
        operation.secrets["identity:" + std::to_string(i)] = std::move(note->identities[i]);
    asked.born = {
        operation.kind, note->args.environment_id, note->args.slug, operation.requested_by,
        operation.args};
    return asked;
}

Result<Asked> operation_for(const deploy::Layout& layout, const std::string& name, Timestamp now) {
    auto at = name.find('@');
    if (at == std::string::npos) return fail(Errc::invalid, "no such note");
    auto what = name.substr(0, at), slug = name.substr(at + 1);
    FAIRLEAD_CHECK(policy::check_slug(slug));
    if (what == "restore") return restore_for(notes(layout) / name);
    deploy::Place place(layout, slug);
    FAIRLEAD_TRY(record, deploy::load_environment(place));
    FAIRLEAD_TRY(saved, load_settings(BackupPlace(place)));
    if (!record || !saved || saved->environment_id != record->id)
        return fail(Errc::not_found, "the environment has no backup settings");
    Asked asked;
    auto& operation = asked.operation;
    operation.id = "op_" + new_ulid(now);
    operation.requested_by = "schedule";
    operation.secrets["storage:" + saved->settings.storage.id] = saved->secret_key;
    if (!saved->session_token.empty())
        operation.secrets["storage_token:" + saved->settings.storage.id] = saved->session_token;
    if (what == "backup") {
        operation.kind = proto::kind::backup;
        proto::BackupArgs args;
        args.environment_id = record->id;
        args.slug = slug;
        args.backup_id = "bak_" + new_ulid(now);
        args.kind = proto::BackupKind::scheduled;
        args.settings = saved->settings;
        operation.args = proto::write(args);
    } else if (what == "drill") {
        operation.kind = proto::kind::drill;
        proto::DrillArgs args;
        args.environment_id = record->id;
        args.slug = slug;
        args.backup.environment_id = record->id;
        args.backup.slug = slug;
        args.backup.storage = saved->settings.storage;
        operation.args = proto::write(args);
    } else {
        return fail(Errc::invalid, "no such kind of work");
    }
    asked.born = {operation.kind, record->id, slug, operation.requested_by, operation.args};
    return asked;
}

} // namespace

void take_due(const deploy::Layout& layout, const Clock& clock, const Begin& begin) {
    std::error_code ignored;
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(notes(layout), ignored))
        found.push_back(entry.path());
    for (const auto& note : found) {
        auto asked = operation_for(layout, note.filename().string(), clock.now());
        if (!asked) {
            log::error(
                "a note for this server's own work makes no sense",
                {{"note", note.filename().string()}, {"why", asked.error().message()}}
            );
        } else if (!begin(std::move(asked->operation), asked->born)) {
            log::warning(
                "work that is due must wait: too much waits already",
                {{"note", note.filename().string()}}
            );
            continue; // whoever left it asks again
        }
        fs::remove(note, ignored);
    }
}

namespace {

/// Until the executor has taken the note: it looks when it starts, and one that runs is told.
Result<> wake(const fs::path& note) {
    auto limit = std::chrono::steady_clock::now() + longest_wait;
    for (;;) {
        Command start;
        start.argv = {"systemctl", "--no-ask-password", "--quiet", "start", executor};
        FAIRLEAD_CHECK(run_ok(start));
        Command tell;
        tell.argv = {"systemctl", "--quiet", "kill", "--kill-who=main", "--signal=HUP", executor};
        (void)run(tell);
        for (int i = 0; i < 20; ++i) {
            std::error_code ignored;
            if (!fs::exists(note, ignored)) return {};
            std::this_thread::sleep_for(100ms);
        }
        if (std::chrono::steady_clock::now() > limit)
            return fail(
                Errc::timeout,
                fmt::format(
                    "The executor did not take {} within {} s: see journalctl -u {}.",
                    note.filename().string(), longest_wait.count(), executor
                )
            );
    }
}

} // namespace

Result<> ask_for(const deploy::Layout& layout, const std::string& what, const std::string& slug) {
    FAIRLEAD_CHECK(policy::check_slug(slug));
    if (what != "backup" && what != "drill")
        return fail(Errc::invalid, fmt::format("\"{}\" is neither backup nor drill.", what));
    FAIRLEAD_CHECK(host::make_folder(notes(layout), 0700, 0, 0));
    auto note = notes(layout) / (what + "@" + slug);
    FAIRLEAD_CHECK(write_file(note, "", 0600));
    return wake(note);
}

Result<std::string>
ask_to_restore(const deploy::Layout& layout, const std::string& slug, RestoreNote note) {
    FAIRLEAD_CHECK(policy::check_slug(slug));
    FAIRLEAD_CHECK(host::make_folder(notes(layout), 0700, 0, 0));
    note.operation = "op_" + new_ulid(SystemClock().now());
    auto file = notes(layout) / ("restore@" + slug);
    std::error_code ignored;
    if (fs::exists(file, ignored))
        return fail(Errc::conflict, fmt::format("Another restore of {} is about to begin.", slug));
    auto text = json::encode(note);
    auto written = write_file(file, text, 0600);
    wipe(text);
    FAIRLEAD_CHECK(std::move(written));
    // What was told to have failed must not happen later. One that is gone already was taken.
    if (auto woken = wake(file); !woken && fs::remove(file, ignored)) return fail(woken.error());
    return note.operation;
}

} // namespace fairlead::backup
