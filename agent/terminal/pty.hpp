/// A pseudo terminal and the program in it.
#pragma once

#include "agent/host/logins.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/result.hpp"
#include "proto/terminal.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace fairlead::terminal {

/// What runs in a terminal.
struct Program {
    std::vector<std::string> argv;        ///< argv[0] is a path
    std::vector<std::string> environment; ///< "NAME=value", all of it
    std::string folder = "/";             ///< where it begins; "/" where that cannot be entered
    uid_t owner = 0;                      ///< of the terminal's device
    std::string user;                     ///< whom `who` shows; empty: it shows nothing
};

/// A login shell of this user. runuser gives it the user's groups, limits (pam_limits) and keyring,
/// and unlike login or runuser -l no logind session, whose cgroup would outlive the terminal.
Program login_shell(const host::Login& login);

/// Single-threaded users only: it forks.
class Pty {
public:
    /// Errc::unavailable with the reason. The program leads a session of its own, whose terminal
    /// this is, and its audit login id is the owner's.
    static Result<Pty> start(const Program& program, const proto::TerminalSize& size);
    Pty(Pty&&) noexcept = default;
    Pty& operator=(Pty&&) = delete;
    ~Pty();

    /// Our end; non-blocking.
    int fd() const { return master_.get(); }
    pid_t pid() const { return pid_; }
    /// Readable when the program has ended.
    int ended_fd() const { return ended_.get(); }
    void resize(const proto::TerminalSize& size);

private:
    Pty() = default;
    void show(const std::string& user, bool in) const;

    Descriptor master_, ended_;
    pid_t pid_ = -1;
    std::string device_, user_;
};

} // namespace fairlead::terminal
