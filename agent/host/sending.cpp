#include "agent/host/sending.hpp"

#include "proto/log.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace fairlead::host {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr std::size_t piece = 16 * 1024;
constexpr auto settle = 300ms; // a policy is often changed by several steps

/// Sends, waiting for a reader who is slow, and looks at the policy meanwhile.
class Sender {
public:
    Sender(int peer, SendOptions options) : peer_(peer), options_(std::move(options)) {
        if (options_.longest) until_ = Steady::now() + *options_.longest;
    }

    /// "": it was all taken.
    std::string send(std::string_view bytes) {
        auto until = Steady::now() + options_.patience;
        while (!bytes.empty()) {
            auto took = ::send(peer_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (took < 0 && errno == EINTR) continue;
            if (took < 0 && errno != EAGAIN) return "gone";
            if (took > 0) {
                bytes.remove_prefix(static_cast<std::size_t>(took));
                until = Steady::now() + options_.patience;
            }
            if (auto why = look(took < 0, until); !why.empty()) return why;
        }
        return "";
    }

private:
    std::string look(bool full, Steady::time_point until) {
        auto now = Steady::now();
        if (until_ && now >= *until_) return "time";
        if (full && now >= until) return "slow";
        auto wait = full ? until - now : Steady::duration(0);
        if (until_) wait = std::min(wait, *until_ - now);
        if (look_at_) wait = std::min(wait, std::max(*look_at_ - now, Steady::duration(0)));
        auto of_peer = static_cast<short>(POLLRDHUP | (full ? POLLOUT : 0));
        std::array<pollfd, 3> fds{
            pollfd{peer_, of_peer, 0}, pollfd{options_.policy_fd, POLLIN, 0},
            pollfd{options_.stop_fd, POLLIN, 0}};
        auto ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
        if (::poll(fds.data(), fds.size(), static_cast<int>(ms)) < 0 && errno != EINTR)
            throw std::system_error(errno, std::generic_category(), "poll");
        if ((fds[0].revents & (POLLHUP | POLLERR | POLLRDHUP)) != 0) return "gone";
        if (fds[2].revents != 0) return "stopped";
        if (fds[1].revents != 0) {
            std::array<char, 4096> seen;
            while (::read(options_.policy_fd, seen.data(), seen.size()) > 0) {
            }
            if (!look_at_) look_at_ = Steady::now() + settle;
        }
        if (!look_at_ || Steady::now() < *look_at_) return "";
        look_at_.reset();
        return options_.allowed && !options_.allowed() ? "policy" : "";
    }

    int peer_;
    SendOptions options_;
    std::optional<Steady::time_point> until_;   // altogether
    std::optional<Steady::time_point> look_at_; // at the policy, once it has settled
};

} // namespace

std::uint64_t bytes_left(int file) {
    struct stat info {};
    auto at = ::lseek(file, 0, SEEK_CUR);
    if (at < 0 || ::fstat(file, &info) != 0 || info.st_size < at) return 0;
    return static_cast<std::uint64_t>(info.st_size - at);
}

std::string
send_whole(int peer, std::string_view text, int file, std::uint64_t bytes, SendOptions options) {
    Sender sender(peer, std::move(options));
    auto why = sender.send(std::string_view(&proto::log_opened, 1));
    if (why.empty()) why = sender.send(text);
    std::string part;
    while (bytes > 0 && why.empty()) {
        part.resize(static_cast<std::size_t>(std::min<std::uint64_t>(piece, bytes)));
        auto got = ::read(file, part.data(), part.size());
        if (got < 0 && errno == EINTR) continue;
        // Of a disk that fails, or a file that somebody has cut.
        if (got <= 0) return "failed";
        part.resize(static_cast<std::size_t>(got));
        // It would say that this is all.
        if (part.find(proto::log_whole) != std::string::npos) return "failed";
        bytes -= part.size();
        why = sender.send(part);
    }
    if (why.empty()) why = sender.send(std::string_view(&proto::log_whole, 1));
    return why.empty() ? "done" : why;
}

std::string send_whole(int peer, std::string_view text, SendOptions options) {
    return send_whole(peer, text, -1, 0, std::move(options));
}

std::string send_plain(int peer, std::string_view text, SendOptions options) {
    auto why = Sender(peer, std::move(options)).send(text);
    return why.empty() ? "done" : why;
}

} // namespace fairlead::host
