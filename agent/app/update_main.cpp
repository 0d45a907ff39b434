#include "agent/app/update_main.hpp"

#include "agent/host/dpkg.hpp"
#include "agent/host/systemd.hpp"
#include "agent/link/status.hpp"
#include "agent/update/guard.hpp"
#include "agent/update/watch_unit.hpp"
#include "common/crypto/random.hpp"
#include "common/runtime/log.hpp"
#include "common/runtime/process.hpp"

#include <fmt/core.h>

#include <sys/stat.h>

#include <atomic>
#include <csignal>
#include <system_error>

namespace fairlead::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* setup = "/usr/lib/fairlead/agent-setup";

std::atomic<bool> told_to_end{false};

/// Where not even the package before can be unpacked, the program alone: its own copy.
Result<> put_program_back(const update::Layout& layout) {
    auto beside = layout.program;
    beside += ".fairlead";
    std::error_code error;
    fs::copy_file(layout.guard(), beside, fs::copy_options::overwrite_existing, error);
    if (!error && ::chmod(beside.c_str(), 0755) != 0)
        error = std::error_code(errno, std::generic_category());
    if (!error) fs::rename(beside, layout.program, error);
    if (error)
        return fail(
            Errc::internal,
            fmt::format("Cannot write {}: {}.", layout.program.string(), error.message())
        );
    return sync_folder(layout.program.parent_path());
}

Result<> unpack(const update::Layout& layout, const fs::path& file) {
    if (auto unpacked = host::unpack_over(file, "/"); !unpacked) {
        log::error("the package cannot be unpacked", {{"reason", unpacked.error().message()}});
        FAIRLEAD_CHECK(put_program_back(layout));
    }
    Command command;
    command.argv = {setup};
    FAIRLEAD_CHECK(run_ok(command));
    return {};
}

update::LinkWord link_word() {
    auto status = link::read_status(link::default_status_file);
    update::LinkWord word;
    if (!status) {
        if (status.error().kind() != Errc::not_found) word.words = status.error().message();
        return word;
    }
    word.online = status->state == "online";
    word.version = status->version;
    word.words = status->reason.empty() ? status->state : status->reason;
    return word;
}

} // namespace

int run_update_watch() {
    ::umask(0022);
    std::signal(SIGTERM, [](int) { told_to_end = true; });
    crypto::start();
    update::Layout layout;
    update::Guard::Parts parts;
    parts.layout = layout;
    parts.install = &host::install_package;
    parts.unpack = [layout](const fs::path& file) { return unpack(layout, file); };
    parts.restart_executor = [] { host::Systemd().kill("fairlead-executor.service"); };
    parts.restart_link = [] {
        if (auto restarted = host::Systemd().restart("fairlead-link.service"); !restarted)
            log::error(
                "the link could not be restarted", {{"reason", restarted.error().message()}}
            );
    };
    parts.link = &link_word;
    parts.put_away = [layout] {
        if (auto away = update::put_watch_away(layout); !away)
            log::error("the unit of the update stays", {{"reason", away.error().message()}});
    };
    parts.told_to_end = [] { return told_to_end.load(); };
    auto ended = update::Guard(std::move(parts)).run();
    if (ended) return 0;
    log::error("the update cannot go on", {{"reason", ended.error().message()}});
    return 1;
}

} // namespace fairlead::app
