// The program of one terminal: apart from the agent's, since there is one for each that is open,
// and what the agent links would cost half a megabyte of memory in each.
#include "agent/host/asked.hpp"
#include "agent/policy/policy_watch.hpp"
#include "agent/terminal/opening.hpp"
#include "agent/terminal/processes.hpp"
#include "agent/terminal/recording.hpp"
#include "agent/terminal/terminal.hpp"
#include "common/crypto/random.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/core_dumps.hpp"
#include "common/runtime/log.hpp"
#include "proto/terminal.hpp"

#include <malloc.h>
#include <sys/socket.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead {
namespace {

using namespace std::chrono_literals;

constexpr auto opening_time = 10s;

/// Whoever sits there knows it, whoever wanted it.
void tell_of_recording(int peer) {
    auto told = proto::write_output("This terminal is recorded on the server.\r\n");
    // Behind the answer there is room.
    if (::send(peer, told.data(), told.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(told.size()))
        log::warning("nobody is there to hear that the terminal is recorded");
}

struct Options {
    std::filesystem::path policy = "/etc/fairlead/policy.yaml";
    std::filesystem::path recordings = "/var/lib/fairlead/recordings";
    std::string link_user = "fairlead";
};

/// Standard input is the connection of the link that systemd took.
Result<> run(const Options& options) {
    auto stop = host::stop_signals();
    FAIRLEAD_TRY(peer, host::take_connection(options.link_user, "fairlead-terminal.socket"));
    FAIRLEAD_TRY(wanted, terminal::read_opening(peer.get(), opening_time));
    auto refuse = [&](proto::StreamEnd code, const std::string& reason) {
        log::warning(
            "a terminal was refused",
            {{"terminal", wanted.terminal}, {"user", wanted.user}, {"reason", reason}}
        );
        host::answer(peer.get(), code, reason);
    };
    // Before it is read: no change of it is missed.
    policy::PolicyWatch watch(options.policy);
    auto policy = policy::Policy::load(options.policy);
    if (!policy) {
        refuse(proto::StreamEnd::forbidden, policy.error().message());
        return {};
    }
    auto login = terminal::judge(wanted, *policy);
    if (!login) {
        refuse(login.error().code, login.error().reason);
        return {};
    }
    terminal::TerminalOptions how;
    how.idle = policy->terminal_idle();
    how.policy_fd = watch.fd();
    how.stop_fd = stop.get();
    how.allowed = [&watch, file = options.policy, user = wanted.user, root = login->uid == 0] {
        if (!watch.changed()) return true;
        auto now = policy::Policy::load(file);
        auto allowed = now ? now->permit_terminal(user, root) : Result<>(fail(now.error()));
        if (!allowed) log::warning("a terminal is closed", {{"why", allowed.error().message()}});
        return allowed.has_value();
    };
    auto failed = [&](Error why) -> Result<> {
        host::answer(
            peer.get(), proto::StreamEnd::failed,
            "The terminal could not be opened; the server's log says why."
        );
        return fail(std::move(why));
    };
    std::optional<terminal::Recording> recording;
    if (wanted.record == 1 || policy->records_terminals()) {
        auto begun = terminal::Recording::begin(options.recordings, wanted, SystemClock().now());
        if (!begun) return failed(begun.error());
        recording = *std::move(begun);
        how.recording = &*recording;
    }
    terminal::keep_orphans();
    auto pty = terminal::Pty::start(terminal::login_shell(*login), {wanted.columns, wanted.rows});
    if (!pty) return failed(pty.error());
    log::info(
        "a terminal is open", {{"terminal", wanted.terminal},
                               {"user", wanted.user},
                               {"recording", recording ? recording->file().string() : ""}}
    );
    if (!host::answer_open(peer.get())) log::warning("nobody waits for the terminal");
    if (recording) tell_of_recording(peer.get());
    policy = fail(Errc::not_found, ""); // its memory is not needed any more
    ::malloc_trim(0);
    terminal::Terminal terminal(std::move(peer), *std::move(pty), std::move(how));
    auto end = terminal.run();
    log::info(
        "a terminal is closed", {{"terminal", wanted.terminal},
                                 {"user", wanted.user},
                                 {"code", end.code ? std::to_string(*end.code) : ""},
                                 {"signal", end.signal},
                                 {"reason", end.reason}}
    );
    return {};
}

} // namespace
} // namespace fairlead

int main(int argc, char** argv) {
    using namespace fairlead;
    forbid_core_dumps();
    Options options;
    if (argc == 3 && std::string_view(argv[1]) == "--policy") {
        options.policy = argv[2];
    } else if (argc != 1) {
        std::fputs("One terminal of the console; started by systemd for each.\n", stderr);
        return 2;
    }
    try {
        crypto::start(); // the policy has a hash
        auto ended = run(options);
        if (ended) return 0;
        log::error("the terminal failed", {{"reason", ended.error().message()}});
        return 1;
    } catch (const std::exception& error) {
        log::error("ended by an unexpected error", {{"why", error.what()}});
        return 70;
    }
}
