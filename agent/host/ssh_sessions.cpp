#include "agent/host/ssh_sessions.hpp"

#include "agent/host/processes.hpp"
#include "common/runtime/log.hpp"

#include <fmt/core.h>

#include <signal.h>

#include <algorithm>

namespace fairlead::host {
namespace {

using namespace std::chrono_literals;

std::string_view take_word(std::string_view& from) {
    auto word = from.substr(0, from.find(' '));
    from.remove_prefix(std::min(from.size(), word.size() + 1));
    return word;
}

Command journalctl(std::vector<std::string> matches) {
    Command command;
    command.argv = {"journalctl", "--quiet", "--no-pager", "--output=cat", "_UID=0"};
    command.argv.insert(command.argv.end(), matches.begin(), matches.end());
    command.deadline = 60s;
    return command;
}

tl::unexpected<Error> unreadable(const Exit& exit) {
    return fail(
        Errc::unavailable, fmt::format(
                               "The system's journal cannot be read (status {}), so nobody knows "
                               "who logged in by which key.",
                               exit.status
                           )
    );
}

} // namespace

// "Accepted publickey for deploy from 192.0.2.7 port 40022 ssh2: ED25519 SHA256:…"
std::optional<Accepted> parse_accepted(std::string_view line) {
    if (take_word(line) != "Accepted") return std::nullopt;
    bool by_key = take_word(line) == "publickey";
    if (take_word(line) != "for") return std::nullopt;
    Accepted accepted;
    accepted.user = take_word(line);
    if (accepted.user.empty() || take_word(line) != "from") return std::nullopt;
    while (by_key && !line.empty())
        if (auto word = take_word(line); word.starts_with("SHA256:")) accepted.fingerprint = word;
    return accepted;
}

// "sshd: deploy [priv]"; as root there is no second process: "sshd: root@pts/0"
std::string session_user(std::string_view title) {
    auto program = title.substr(0, title.find(": "));
    if (program != "sshd" && program != "sshd-session") return {};
    title.remove_prefix(std::min(title.size(), program.size() + 2));
    auto end = title.find_first_of(" @");
    if (end == std::string_view::npos || end == 0 || title.front() == '[') return {};
    return std::string(title.substr(0, end));
}

Result<bool> SshSessions::was_used(const std::string& user, const std::string& fingerprint) {
    bool used = false;
    auto look = [&](std::string_view line) {
        auto accepted = parse_accepted(line);
        used = used || (accepted && accepted->user == user && accepted->fingerprint == fingerprint);
    };
    // Two names of one field: either.
    auto command =
        journalctl({"_COMM=sshd", "_COMM=sshd-session", "--since=-30days", "--grep=^Accepted "});
    command.on_line = look;
    FAIRLEAD_TRY(exit, run_(command));
    // Not every system's journalctl looks for patterns; and with none found it says 1.
    if (!used && !exit.ok()) {
        command = journalctl({"_COMM=sshd", "_COMM=sshd-session", "--since=-30days"});
        command.on_line = look;
        FAIRLEAD_TRY(again, run_(command));
        if (!again.ok()) return unreadable(again);
    }
    return used;
}

Result<std::optional<Accepted>> SshSessions::accepted_by(pid_t pid, const std::string& user) {
    std::optional<Accepted> last;
    // Numbers of processes come again. The clock's whole seconds and steps leave some room, and
    // --boot would ask /proc, which in a container may name another boot.
    auto began = began_at(pid) - 2;
    auto command = journalctl({fmt::format("--since=@{}", began), fmt::format("_PID={}", pid)});
    command.on_line = [&](std::string_view line) {
        auto accepted = parse_accepted(line);
        if (accepted && accepted->user == user) last = std::move(accepted);
    };
    FAIRLEAD_TRY(exit, run_(command));
    if (!exit.ok()) return unreadable(exit);
    return last;
}

Result<std::size_t>
SshSessions::end(const std::string& user, const std::vector<std::string>& fingerprints) {
    std::size_t ended = 0;
    Result<> outcome; // the first failure; the others are ended all the same
    if (fingerprints.empty()) return ended;
    auto is_session = [&](pid_t pid) {
        return owner_of(pid) == 0 && session_user(title_of(pid)) == user;
    };
    for (auto pid : all_processes()) {
        if (!is_session(pid)) continue;
        auto told = accepted_by(pid, user);
        if (!told)
            log::warning(
                "a session is ended, since nobody knows by which key it began",
                {{"user", user}, {"why", told.error().message()}}
            );
        bool stays = told && *told &&
                     std::ranges::find(fingerprints, (*told)->fingerprint) == fingerprints.end();
        if (stays) continue;
        auto scope = login_scope_of(pid);
        auto below = descendants_of(pid);
        if (!is_session(pid)) continue; // it ended by itself meanwhile
        ::kill(pid, SIGKILL);
        for (auto one : below) ::kill(one, SIGKILL);
        if (!scope.empty()) {
            Command command;
            command.argv = {"systemctl", "--no-ask-password", "--quiet",
                            "kill",      "--signal=SIGKILL",  scope};
            // Fine when all of it is gone already.
            if (auto done = run_(command); !done && outcome) outcome = fail(done.error());
        }
        ++ended;
    }
    if (!outcome) return fail(std::move(outcome).error());
    return ended;
}

} // namespace fairlead::host
