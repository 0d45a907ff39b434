#include "agent/terminal/terminal.hpp"

#include "agent/terminal/processes.hpp"
#include "agent/terminal/recording.hpp"
#include "common/runtime/log.hpp"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace fairlead::terminal {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t head_size = 5;
// Of output, in one message: with its head as much as goes over the link in one piece.
constexpr std::size_t piece = 32 * 1024 - 64 - head_size;
constexpr auto settle = 300ms;      // a policy is often changed by several steps
constexpr auto grace = 2s;          // from SIGHUP to SIGKILL
constexpr auto short_grace = 400ms; // the same where the policy says no
constexpr auto ending_turn = 50ms;  // how often it is looked whether something still runs
constexpr auto flush = 60s;         // for the last bytes to be taken

std::string signal_name(int signal) {
    const char* name = ::sigabbrev_np(signal);
    return name ? name : std::to_string(signal);
}

} // namespace

proto::TerminalEnd end_of(int status) {
    proto::TerminalEnd end;
    if (WIFSIGNALED(status)) {
        end.signal = signal_name(WTERMSIG(status));
        return end;
    }
    int code = WEXITSTATUS(status);
    // Others are what shells end with when a program of theirs was interrupted.
    for (int signal : {SIGHUP, SIGKILL, SIGTERM})
        if (code == 128 + signal) end.signal = signal_name(signal);
    if (end.signal.empty()) end.code = code;
    return end;
}

Terminal::Terminal(Descriptor peer, Pty pty, TerminalOptions options)
    : peer_(std::move(peer)), pty_(std::move(pty)), options_(std::move(options)) {
    out_.reserve(head_size + piece);
}

proto::TerminalEnd Terminal::run() {
    last_typed_ = options_.now();
    while (!finished()) {
        wait();
        feed();
        drain();
        look();
    }
    farewell();
    if (!reason_.empty()) {
        proto::TerminalEnd end;
        end.reason = reason_;
        return end;
    }
    return status_ ? end_of(*status_) : proto::TerminalEnd();
}

/// Milliseconds for poll(); -1: for ever.
int Terminal::patience() const {
    auto until = [](Steady::duration left) {
        return static_cast<int>(
            std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(left).count())
        );
    };
    if (ending_) return static_cast<int>(std::chrono::milliseconds(ending_turn).count());
    int idle = until(last_typed_ + options_.idle - options_.now());
    return look_at_ ? std::min(idle, until(*look_at_ - Steady::now())) : idle;
}

void Terminal::wait() {
    bool hungry = typing_.empty() && unread_.empty() && !ending_;
    bool owes = sent_ < out_.size();
    auto events = [](bool in, bool out) {
        return static_cast<short>((in ? POLLIN : 0) | (out ? POLLOUT : 0));
    };
    auto of_pty = events(!owes, !typing_.empty());
    auto of_peer = events(hungry, owes);
    if (!ending_) of_peer = static_cast<short>(of_peer | POLLRDHUP);
    std::array<pollfd, 5> fds{
        pollfd{peer_gone_ ? -1 : peer_.get(), of_peer, 0},
        // A PTY that nobody has open says so whatever is asked: only when something is.
        pollfd{pty_open_ && of_pty != 0 ? pty_.fd() : -1, of_pty, 0},
        pollfd{status_ ? -1 : pty_.ended_fd(), POLLIN, 0},
        pollfd{ending_ ? -1 : options_.policy_fd, POLLIN, 0},
        pollfd{ending_ ? -1 : options_.stop_fd, POLLIN, 0}};
    if (::poll(fds.data(), fds.size(), patience()) < 0) {
        if (errno == EINTR) return;
        throw std::system_error(errno, std::generic_category(), "poll");
    }
    peer_ready_ = hungry && (fds[0].revents & (POLLIN | POLLRDHUP)) != 0;
    // It ends its direction while the PTY takes no more: what it typed last goes nowhere.
    if (!hungry && (fds[0].revents & POLLRDHUP) != 0) peer_hangs_up_ = true;
    if ((fds[0].revents & (POLLHUP | POLLERR)) != 0) lose_peer();
    if (fds[3].revents != 0) {
        std::array<char, 4096> events_seen;
        while (::read(options_.policy_fd, events_seen.data(), events_seen.size()) > 0) {
        }
        if (!look_at_) look_at_ = Steady::now() + settle;
    }
    if (fds[4].revents != 0) stop_ = true;
}

void Terminal::lose_peer() {
    peer_gone_ = peer_hangs_up_ = true;
    out_.clear();
    sent_ = 0;
}

/// Whether the PTY has taken everything.
bool Terminal::write_pty() {
    while (!typing_.empty()) {
        auto written = ::write(pty_.fd(), typing_.data(), typing_.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0 && errno == EAGAIN) return false;
        if (written == 0) return false;
        if (written < 0) typing_ = {}; // nobody will read it
        if (written > 0) typing_.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

/// From the peer to the PTY.
void Terminal::feed() {
    if (std::exchange(peer_ready_, false)) read_peer();
    while (!ending_ && write_pty()) {
        auto part = reader_.next(unread_);
        if (!part) {
            log::error("the link passed on what makes no sense", {{"why", part.error().message()}});
            unread_ = {};
            peer_hangs_up_ = true;
            return;
        }
        if (!*part) return resize();
        // Of many that come at once, as when somebody drags a window's edge, the last one counts.
        if ((*part)->type == proto::TerminalMessage::resize) {
            wanted_ = (*part)->size;
        } else {
            resize();
            typing_ = (*part)->bytes;
            last_typed_ = options_.now();
        }
    }
}

void Terminal::resize() {
    auto wanted = std::exchange(wanted_, std::nullopt);
    if (!wanted || wanted == size_) return;
    size_ = wanted;
    pty_.resize(*wanted);
    if (options_.recording) options_.recording->resized(*wanted, since_begun());
}

void Terminal::read_peer() {
    auto got = ::read(peer_.get(), chunk_.data(), chunk_.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (got < 0) return lose_peer();
    if (got == 0) peer_hangs_up_ = true;
    unread_ = {chunk_.data(), static_cast<std::size_t>(got)};
}

/// From the PTY to the peer.
void Terminal::drain() {
    if (sent_ == out_.size()) fill();
    send();
}

void Terminal::fill() {
    out_.resize(head_size + piece);
    std::size_t size = 0;
    // A PTY hands out 4 KiB at a time.
    while (size < piece) {
        auto got = ::read(pty_.fd(), out_.data() + head_size + size, piece - size);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            // EIO: no process has it open any more.
            if (got == 0 || errno != EAGAIN) pty_open_ = false;
            quiet_ = empty_ && size == 0;
            break;
        }
        size += static_cast<std::size_t>(got);
    }
    sent_ = 0;
    if (size > 0 && options_.recording)
        options_.recording->output({out_.data() + head_size, size}, since_begun());
    if (size == 0 || peer_gone_) return out_.clear();
    auto head = proto::terminal_head(proto::TerminalMessage::output, size);
    std::ranges::copy(head, out_.begin());
    out_.resize(head_size + size);
}

std::chrono::milliseconds Terminal::since_begun() const {
    return std::chrono::floor<std::chrono::milliseconds>(Steady::now() - began_);
}

void Terminal::send() {
    while (sent_ < out_.size()) {
        auto took = ::send(peer_.get(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
        if (took < 0 && errno == EINTR) continue;
        if (took < 0 && errno == EAGAIN) return;
        if (took < 0) return lose_peer();
        sent_ += static_cast<std::size_t>(took);
    }
}

void Terminal::look() {
    bool left = reap(pty_.pid(), status_);
    if (!ending_) {
        if (status_ || peer_hangs_up_) return begin_ending("", grace);
        auto reason = why_to_close();
        if (reason.empty()) return;
        return begin_ending(reason, reason == "policy" ? short_grace : grace);
    }
    if (!left && !empty_) {
        empty_ = true;
        give_up_at_ = Steady::now() + flush;
    }
    if (!empty_ && Steady::now() >= kill_at_) signal_all(SIGKILL);
}

/// "" while it may go on.
std::string Terminal::why_to_close() {
    if (stop_) return "stopped";
    if (look_at_ && Steady::now() >= *look_at_) {
        look_at_.reset();
        if (options_.allowed && !options_.allowed()) return "policy";
    }
    return options_.now() - last_typed_ >= options_.idle ? "idle" : "";
}

/// A shell passes SIGHUP on; what it left behind hears it too, and may end in its own way.
void Terminal::begin_ending(std::string reason, std::chrono::milliseconds until_kill) {
    ending_ = true;
    typing_ = unread_ = {};
    reason_ = std::move(reason);
    kill_at_ = Steady::now() + until_kill;
    give_up_at_ = kill_at_ + flush;
    signal_all(SIGHUP);
    signal_all(SIGCONT); // what was stopped does not hear it otherwise
}

/// Nothing runs and all that it said is on its way, or nobody takes it.
bool Terminal::finished() const {
    if (!ending_) return false;
    if (Steady::now() >= give_up_at_) return true;
    return empty_ && (peer_gone_ || (quiet_ && sent_ == out_.size()));
}

void Terminal::farewell() {
    if (peer_gone_ || sent_ < out_.size()) return;
    proto::TerminalEnd end;
    if (!reason_.empty())
        end.reason = reason_;
    else if (status_)
        end = end_of(*status_);
    out_ = proto::write_end(end);
    sent_ = 0;
    send();
    while (sent_ < out_.size() && Steady::now() < give_up_at_) {
        pollfd room{peer_.get(), POLLOUT, 0};
        ::poll(&room, 1, 1000);
        send();
    }
}

} // namespace fairlead::terminal
