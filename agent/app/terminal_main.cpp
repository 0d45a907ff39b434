#include "agent/app/terminal_main.hpp"

#include "agent/host/users.hpp"
#include "agent/terminal/opening.hpp"
#include "agent/terminal/policy_watch.hpp"
#include "agent/terminal/processes.hpp"
#include "agent/terminal/recording.hpp"
#include "agent/terminal/terminal.hpp"
#include "common/crypto/random.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/log.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>

namespace fairlead::app {
namespace {

using namespace std::chrono_literals;

constexpr auto opening_time = 10s;
constexpr int send_buffer = 64 * 1024; // what a slow reader has before it, beside the stream's own

Descriptor stop_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    return Descriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

/// Only the network half may ask: whoever else reaches the socket is told nothing.
Result<Descriptor> connection(const std::string& link_user) {
    Descriptor peer(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
    ucred who{};
    socklen_t size = sizeof who;
    if (!peer || ::getsockopt(peer.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
        return fail(
            Errc::invalid, "This is started by fairlead-terminal.socket, with a connection as its "
                           "standard input."
        );
    auto link = host::find_user(link_user);
    if (!link || who.uid != link->uid)
        return fail(
            Errc::forbidden, "A terminal was asked for by the user id " + std::to_string(who.uid) +
                                 "; only the user " + link_user + " may."
        );
    ::setsockopt(peer.get(), SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    ::fcntl(peer.get(), F_SETFL, ::fcntl(peer.get(), F_GETFL) | O_NONBLOCK);
    // The connection ends when we say so, and not when a child of ours ends.
    Descriptor nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
    ::dup2(nothing.get(), STDIN_FILENO);
    return peer;
}

Result<> run(const TerminalOptions& options) {
    auto stop = stop_signals();
    FAIRLEAD_TRY(peer, connection(options.link_user));
    FAIRLEAD_TRY(wanted, terminal::read_opening(peer.get(), opening_time));
    auto refuse = [&](proto::StreamEnd code, const std::string& reason) {
        log::warning(
            "a terminal was refused",
            {{"terminal", wanted.terminal}, {"user", wanted.user}, {"reason", reason}}
        );
        terminal::answer(peer.get(), code, reason);
    };
    // Before it is read: no change of it is missed.
    terminal::PolicyWatch watch(options.policy);
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
    how.allowed = [file = options.policy, user = wanted.user, root = login->uid == 0] {
        auto now = policy::Policy::load(file);
        auto allowed = now ? now->permit_terminal(user, root) : Result<>(fail(now.error()));
        if (!allowed) log::warning("a terminal is closed", {{"why", allowed.error().message()}});
        return allowed.has_value();
    };
    auto failed = [&](Error why) -> Result<> {
        terminal::answer(
            peer.get(), proto::StreamEnd::failed,
            "The terminal could not be opened; the server's log says why."
        );
        return fail(std::move(why));
    };
    std::optional<terminal::Recording> recording;
    if (wanted.record == 1) {
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
    if (!terminal::answer_open(peer.get())) log::warning("nobody waits for the terminal");
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

int run_terminal(const TerminalOptions& options) {
    crypto::start(); // the policy has a hash
    auto ended = run(options);
    if (ended) return 0;
    log::error("the terminal failed", {{"reason", ended.error().message()}});
    return 1;
}

} // namespace fairlead::app
