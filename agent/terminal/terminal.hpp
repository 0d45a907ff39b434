/// One terminal, from its first byte to its last: a pump between the link and a PTY.
#pragma once

#include "agent/terminal/pty.hpp"
#include "common/runtime/file.hpp"
#include "proto/terminal.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::terminal {

class Recording;

struct TerminalOptions {
    using Steady = std::chrono::steady_clock;

    std::chrono::milliseconds idle = std::chrono::minutes(30); ///< without a byte typed
    std::function<Steady::time_point()> now = Steady::now;     ///< what `idle` goes by
    std::function<bool()> allowed;  ///< by the policy as it is now; asked after a change
    int policy_fd = -1;             ///< readable after a change
    int stop_fd = -1;               ///< readable when this process is to end
    Recording* recording = nullptr; ///< of what it shows, or none; outlives the terminal
};

/// Messages of proto::TerminalReader on a socket. Keeps a few pages whatever either side does: it
/// reads the PTY only when the socket has taken what was read before, and the socket only when the
/// PTY has. One thread, one poll; every process below this one is taken to be the terminal's.
class Terminal {
public:
    /// `peer` is non-blocking.
    Terminal(Descriptor peer, Pty pty, TerminalOptions options);

    /// Runs until nothing of the terminal is left and its end is told, or nobody is there to hear
    /// it.
    proto::TerminalEnd run();

private:
    using Steady = TerminalOptions::Steady;

    void wait();
    int patience() const;
    void feed();
    void read_peer();
    void resize();
    bool write_pty();
    void drain();
    void fill();
    void send();
    void look();
    std::string why_to_close();
    void begin_ending(std::string reason, std::chrono::milliseconds grace);
    bool finished() const;
    void farewell();
    void lose_peer();
    std::chrono::milliseconds since_begun() const;

    Descriptor peer_;
    Pty pty_;
    TerminalOptions options_;
    proto::TerminalReader reader_{proto::TerminalSide::controller};

    std::array<char, 4096> chunk_;                     // as it came from the peer
    std::string_view unread_;                          // of it: not looked at
    std::string_view typing_;                          // of it: for the PTY, which has no room
    std::optional<proto::TerminalSize> wanted_, size_; // the PTY's: to be set; set last
    std::string out_;                                  // for the peer: at most one message
    std::size_t sent_ = 0;                             // of it
    bool peer_ready_ = false, peer_hangs_up_ = false;
    bool peer_gone_ = false; // hears nothing any more
    bool pty_open_ = true;   // some process may still write to it

    Steady::time_point began_ = Steady::now();
    Steady::time_point last_typed_;
    std::optional<Steady::time_point> look_at_; // at the policy, once it has settled
    bool stop_ = false;

    std::optional<int> status_; // of the shell, once it has ended
    bool ending_ = false;
    bool empty_ = false; // no process is left
    bool quiet_ = false; // and nothing that they said
    std::string reason_;
    Steady::time_point kill_at_, give_up_at_;
};

/// What waitpid() told of the shell's end. runuser, which stands between, tells a signal as
/// 128 + its number.
proto::TerminalEnd end_of(int status);

} // namespace fairlead::terminal
