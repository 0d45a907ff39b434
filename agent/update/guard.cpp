#include "agent/update/guard.hpp"

#include "common/crypto/hash.hpp"
#include "common/runtime/log.hpp"

#include <fmt/core.h>

#include <thread>

namespace fairlead::update {
namespace {

using namespace std::chrono_literals;

constexpr int tries = 4; // of dpkg with the package before, then without dpkg
constexpr auto between_tries = 15s;
constexpr auto look_again = 500ms;
constexpr std::size_t longest_reason = 2000;

bool is_whole(const std::filesystem::path& file, const std::string& sha256) {
    auto digest = crypto::sha256_file(file);
    return digest && digest->hex() == sha256;
}

} // namespace

void Guard::pause(std::chrono::milliseconds time) {
    if (parts_.pause)
        parts_.pause(time);
    else
        std::this_thread::sleep_for(time);
}

Result<> Guard::set(Phase phase) {
    record_.phase = phase;
    return save(parts_.layout, record_);
}

Result<> Guard::give_up(std::string code, std::string reason) {
    log::error("the update is taken back", {{"code", code}, {"reason", reason}});
    record_.code = std::move(code);
    record_.reason = reason.substr(0, longest_reason);
    return set(Phase::returning);
}

Result<> Guard::run() {
    FAIRLEAD_TRY(found, load(parts_.layout));
    if (!found) {
        parts_.put_away();
        return {};
    }
    record_ = *found;
    // This is a new process, so the one that had dpkg running was cut off: nobody knows how far it
    // came.
    if (record_.phase == Phase::installing)
        FAIRLEAD_CHECK(give_up(
            "interrupted",
            fmt::format(
                "The server stopped while the agent {} was being installed, so {} was put back.",
                record_.to, record_.from
            )
        ));
    while (!is_decided(record_.phase)) {
        if (parts_.told_to_end()) return {};
        if (record_.phase == Phase::ready)
            FAIRLEAD_CHECK(install());
        else if (record_.phase == Phase::waiting)
            FAIRLEAD_CHECK(wait());
        else
            FAIRLEAD_CHECK(go_back());
    }
    parts_.put_away();
    return {};
}

Result<> Guard::install() {
    const auto& layout = parts_.layout;
    if (!is_whole(layout.next(), record_.next_sha256) ||
        !is_whole(layout.previous(), record_.previous_sha256)) {
        record_.code = "update_altered";
        record_.reason = fmt::format(
            "The packages in {} are not as they were written; nothing was changed. Is the disk "
            "sound? Try again.",
            layout.folder.string()
        );
        return set(Phase::returned);
    }
    log::info("installing the agent", {{"version", record_.to}, {"before", record_.from}});
    FAIRLEAD_CHECK(set(Phase::installing));
    auto installed = parts_.install(layout.next());
    if (!installed && installed.error().code() == "dpkg_locked") {
        record_.code = "dpkg_locked";
        record_.reason =
            "Another dpkg or apt was at work on the server all the time, so nothing was changed. "
            "Try again when it is done.";
        return set(Phase::returned);
    }
    if (!installed)
        return give_up(
            "update_install_failed",
            fmt::format(
                "The agent {} could not be installed, so {} was put back. {}", record_.to,
                record_.from, installed.error().message()
            )
        );
    std::error_code ignored;
    std::filesystem::remove(layout.adopted(), ignored);
    FAIRLEAD_CHECK(set(Phase::waiting));
    // Both, so that the link that is waited for has spoken to the new executor.
    parts_.restart_executor();
    parts_.restart_link();
    return {};
}

bool Guard::comes_online(const std::string& version, bool with_executor) {
    auto until = parts_.now() + patience;
    for (;;) {
        auto link = parts_.link();
        bool executor = !with_executor || adopted_by(parts_.layout) == version;
        if (link.online && link.version == version && executor) return true;
        if (parts_.now() >= until || parts_.told_to_end()) return false;
        pause(look_again);
    }
}

Result<> Guard::wait() {
    if (comes_online(record_.to, true)) {
        log::info("the new agent has reached the controller", {{"version", record_.to}});
        return set(Phase::done);
    }
    // The server goes down, and the network with it: that says nothing about the new agent.
    if (parts_.told_to_end()) return {};
    auto link = parts_.link();
    std::string why = link.online && link.version == record_.to ? "its executor did not take over"
                      : link.online
                          ? fmt::format("the link that is there is of version {}", link.version)
                      : link.words.empty() ? std::string("its link says nothing of itself")
                                           : "its link says: " + link.words;
    return give_up(
        "update_unhealthy",
        fmt::format(
            "The agent {} did not reach the controller within {} s ({}), so {} was put back.",
            record_.to, patience.count(), why, record_.from
        )
    );
}

Result<> Guard::go_back() {
    const auto& previous = parts_.layout.previous();
    Result<> back = fail(Errc::unavailable, "The package before is not as it was written.");
    bool whole = is_whole(previous, record_.previous_sha256);
    for (int i = 0; whole && !back && i < tries; ++i) {
        if (i > 0) pause(between_tries);
        if (parts_.told_to_end()) return {};
        back = parts_.install(previous);
        if (!back && back.error().code() == "dpkg_locked") --i; // for as long as it takes
        if (!back)
            log::error(
                "the agent before could not be put back", {{"reason", back.error().message()}}
            );
    }
    if (!back) {
        auto unpacked = parts_.unpack(previous);
        if (!unpacked) {
            log::error(
                "the agent before could not be unpacked", {{"reason", unpacked.error().message()}}
            );
            pause(60s);
            return {}; // once more, for as long as it takes
        }
        record_.reason += fmt::format(
            " dpkg did not take its package, so its files were put in place without it; on the "
            "server run: dpkg -i {}",
            previous.string()
        );
    }
    parts_.restart_link();
    parts_.restart_executor();
    bool online = comes_online(record_.from, false);
    if (parts_.told_to_end()) return {};
    log::info("the agent before is back", {{"version", record_.from}, {"online", online ? 1 : 0}});
    return set(Phase::returned);
}

} // namespace fairlead::update
