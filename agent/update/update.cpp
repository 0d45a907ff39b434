#include "agent/update/update.hpp"

#include "agent/host/files.hpp"
#include "agent/update/release.hpp"
#include "agent/update/watch_unit.hpp"
#include "common/crypto/hash.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/file.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

#include <unistd.h>

#include <thread>

namespace fairlead::update {
namespace {

using journal::Work;
using namespace std::chrono_literals;

constexpr const char* package_name = "fairlead-agent";
constexpr std::uint64_t needed_bytes = 100 << 20; // package, the one before, and dpkg's own copies
constexpr auto look_again = 500ms;
constexpr int looks_between = 20; // looks between two at whether the guard is alive
// Far longer than everything that the guard waits for; it goes on whatever is said here.
constexpr int most_looks = 2 * 60 * 60;

tl::unexpected<Error> refused(Errc kind, std::string code, std::string message) {
    return fail(Error(kind, std::move(message)).with_code(std::move(code)));
}

Result<> keep_installed(const Layout& layout) {
    FAIRLEAD_CHECK(host::pack_installed(package_name, layout.folder / "pack", layout.previous()));
    std::error_code error;
    std::filesystem::copy_file(
        layout.program, layout.guard(), std::filesystem::copy_options::overwrite_existing, error
    );
    if (!error)
        std::filesystem::permissions(layout.guard(), std::filesystem::perms::owner_all, error);
    if (error)
        return fail(
            Errc::internal,
            fmt::format("Cannot copy {}: {}.", layout.program.string(), error.message())
        );
    return host::sync_tree(layout.folder);
}

std::string_view words_of(Phase phase) {
    switch (phase) {
    case Phase::installing:
        return "dpkg installs the package.";
    case Phase::waiting:
        return "It is installed. Within 60 s the new agent has to reach the controller.";
    case Phase::returning:
        return "The agent before is being put back.";
    default:
        return {};
    }
}

} // namespace

System real_system(const Layout& layout) {
    System system;
    system.installed = [] { return host::installed_version(package_name); };
    system.below = &host::version_below;
    system.facts = &host::package_facts;
    system.keep = [layout] { return keep_installed(layout); };
    system.start_watch = [layout] { return start_watch(layout); };
    system.watch_runs = &watch_runs;
    system.minute_of_day = [] { return policy::minute_of_day(SystemClock().now()); };
    system.pause = [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); };
    return system;
}

Result<journal::Plan> Updates::plan(const proto::Operation& operation) {
    FAIRLEAD_TRY(args, proto::read<proto::AgentUpdateArgs>(operation.args));
    journal::Plan plan;
    plan.recovery = journal::Recovery::finish;
    plan.steps.push_back({"check", "Check signature and version", [this, args](Work& work) {
                              return check(work, args);
                          }});
    journal::Step fetch_step{
        "fetch", "Fetch the package", [this, args](Work& work) { return fetch(work, args); }};
    fetch_step.undo = [this](Work&) -> Result<> {
        std::error_code ignored;
        std::filesystem::remove(parts_.layout.next(), ignored);
        return {};
    };
    plan.steps.push_back(std::move(fetch_step));
    plan.steps.push_back({"previous", "Keep the agent as it is", [this](Work& work) {
                              return keep(work);
                          }});
    plan.steps.push_back(
        {"install", "Install, and see that it reaches the controller",
         [this, args](Work& work) { return install(work, args); }}
    );
    return plan;
}

Result<> Updates::may_install(const std::string& from, const std::string& to) {
    FAIRLEAD_TRY(policy, parts_.policy());
    if (from == to)
        return refused(
            Errc::conflict, "version_installed", fmt::format("The agent is {} already.", to)
        );
    FAIRLEAD_TRY(older, parts_.system.below(to, from));
    if (older) {
        const auto& oldest = policy.update_oldest();
        bool allowed = false;
        if (!oldest.empty()) {
            FAIRLEAD_TRY(too_old, parts_.system.below(to, oldest));
            allowed = !too_old;
        }
        if (!allowed)
            return refused(
                Errc::forbidden, "version_older",
                fmt::format(
                    "The agent {} is older than {}, which runs here. The policy of this server {}: "
                    "\"update_oldest\" in {} names the oldest one that may come.",
                    to, from,
                    oldest.empty() ? "does not let it go back"
                                   : "lets it go back to " + oldest + " at most",
                    policy::default_file
                )
            );
    }
    const auto& hours = policy.update_hours();
    if (hours && !hours->cover(parts_.system.minute_of_day()))
        return refused(
            Errc::forbidden, "update_hours",
            fmt::format(
                "The policy of this server lets the agent be updated at {} alone, by the server's "
                "clock: \"update_hours\" in {}.",
                hours->text, policy::default_file
            )
        );
    return {};
}

Result<> Updates::is_free() {
    const auto& layout = parts_.layout;
    auto running = [] {
        return refused(
            Errc::conflict, "update_running",
            fmt::format("Another update is not over yet: systemctl status {}", watch_unit)
        );
    };
    if (parts_.system.watch_runs()) return running();
    auto last = load(layout);
    if (last && (!*last || is_decided((*last)->phase))) return {};
    std::error_code ignored;
    if (last && std::filesystem::exists(layout.guard(), ignored)) {
        FAIRLEAD_CHECK(parts_.system.start_watch()); // it goes on where it was
        return running();
    }
    // Its agent was taken off the server in the middle of it, or nobody can read what it was.
    std::filesystem::remove(layout.record(), ignored);
    return {};
}

Result<> Updates::check(Work& work, const proto::AgentUpdateArgs& args) {
    FAIRLEAD_TRY(sum, signed_sum(args, parts_.layout.key));
    work.remember("sum", sum);
    auto from = parts_.system.installed();
    if (!from)
        return refused(
            Errc::conflict, "update_needs_dpkg",
            from.error().message() + " So the agent cannot update itself; run the command of the "
                                     "console (Servers, Add server) on the server again."
        );
    FAIRLEAD_CHECK(may_install(*from, args.version));
    // Before anything of it is written over.
    FAIRLEAD_CHECK(is_free());
    work.remember("from", *from);
    FAIRLEAD_CHECK(host::make_folder(parts_.layout.folder, 0700, ::geteuid(), ::getegid()));
    for (const auto& place : {parts_.layout.folder, parts_.layout.program.parent_path()}) {
        FAIRLEAD_TRY(space, host::disk_space(place));
        if (space.free_bytes < needed_bytes)
            return refused(
                Errc::conflict, "disk_full",
                fmt::format(
                    "{} has {} MiB free; {} are needed. Free some space there.", place.string(),
                    space.free_bytes >> 20, needed_bytes >> 20
                )
            );
    }
    work.info(
        fmt::format("The release key signed {}. It takes the place of {}.", args.package, *from)
    );
    return {};
}

Result<> Updates::fetch(Work& work, const proto::AgentUpdateArgs& args) {
    FAIRLEAD_TRY(
        content,
        parts_.fetcher.fetch(
            args.package, work.stop(), [&](std::uint32_t percent) { work.progress(percent); }
        )
    );
    if (crypto::sha256(content).hex() != work.recall("sum").value_or(""))
        return refused(
            Errc::forbidden, "update_altered",
            fmt::format(
                "What came as {} has another SHA-256 than the release key signed: it was altered, "
                "and nothing was changed. Tell the controller's administrator.",
                args.package
            )
        );
    FAIRLEAD_CHECK(write_file(parts_.layout.next(), content, 0600));
    FAIRLEAD_TRY(facts, parts_.system.facts(parts_.layout.next()));
    if (facts.name != package_name || facts.version != args.version)
        return refused(
            Errc::forbidden, "update_not_listed",
            fmt::format(
                "The package {} says of itself that it is {} {}: nothing was changed.",
                args.package, facts.name, facts.version
            )
        );
    work.info(fmt::format("{} bytes; the SHA-256 is the signed one.", content.size()));
    return {};
}

Result<> Updates::keep(Work& work) {
    FAIRLEAD_CHECK(parts_.system.keep());
    work.info(fmt::format(
        "The agent {} is kept in {}.", work.recall("from").value_or(""),
        parts_.layout.previous().string()
    ));
    return {};
}

Result<Record> Updates::begin(Work& work, const proto::AgentUpdateArgs& args) {
    FAIRLEAD_TRY(found, load(parts_.layout));
    if (found && found->operation == work.id()) return *found;
    if (found && !is_decided(found->phase))
        return refused(
            Errc::conflict, "update_running",
            fmt::format(
                "Another update, to {}, is not decided yet: systemctl status {}", found->to,
                watch_unit
            )
        );
    FAIRLEAD_TRY(previous, crypto::sha256_file(parts_.layout.previous()));
    Record record;
    record.operation = work.id();
    record.from = work.recall("from").value_or("");
    record.to = args.version;
    record.next_sha256 = work.recall("sum").value_or("");
    record.previous_sha256 = previous.hex();
    FAIRLEAD_CHECK(save(parts_.layout, record));
    return record;
}

/// In the executor of either version: the guard ends this process once the new program is in place.
/// It decides whatever goes wrong here, so nothing but its decision ends this.
Result<Record> Updates::await_decision(Work& work, bool started) {
    auto told = Phase::ready;
    std::string warned;
    auto warn = [&](const Result<>& done) {
        if (done || done.error().message() == warned) return;
        warned = done.error().message();
        work.warn(warned);
    };
    for (int i = 0; i < most_looks; ++i) {
        if (adopted_by(parts_.layout) != parts_.version)
            warn(note_adopted(parts_.layout, parts_.version));
        // Asked before the record is read: who does not run decides nothing in between.
        bool look = i % looks_between == (started ? looks_between - 1 : 0);
        bool runs = !look || parts_.system.watch_runs();
        FAIRLEAD_TRY(record, load(parts_.layout));
        if (!record) return fail(Errc::internal, "The record of the update is gone.");
        if (is_decided(record->phase)) return *record;
        if (record->phase != told) {
            told = record->phase;
            if (auto words = words_of(told); !words.empty()) work.info(words);
            work.flush(true);
        }
        if (!runs) warn(parts_.system.start_watch());
        parts_.system.pause(look_again);
    }
    return refused(
        Errc::timeout, "update_undecided",
        fmt::format(
            "The update is not decided after an hour. On the server: systemctl status {}",
            watch_unit
        )
    );
}

Result<> Updates::install(Work& work, const proto::AgentUpdateArgs& args) {
    FAIRLEAD_TRY(record, begin(work, args));
    bool ready = record.phase == Phase::ready;
    if (auto started = ready ? parts_.system.start_watch() : Result<>(); !started) {
        // It must not begin later, when everybody believes that it failed.
        std::error_code ignored;
        std::filesystem::remove(parts_.layout.record(), ignored);
        return started;
    }
    FAIRLEAD_TRY(decided, await_decision(work, ready));
    if (decided.phase == Phase::done) {
        work.info(fmt::format(
            "The agent {} runs and has reached the controller. {} is kept in {}.", decided.to,
            decided.from, parts_.layout.previous().string()
        ));
        return {};
    }
    return refused(
        Errc::conflict, decided.code.empty() ? "update_failed" : decided.code, decided.reason
    );
}

} // namespace fairlead::update
