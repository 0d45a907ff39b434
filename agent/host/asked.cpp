#include "agent/host/asked.hpp"

#include "agent/host/users.hpp"
#include "proto/codec.hpp"
#include "proto/opening.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace fairlead::host {
namespace {

using Steady = std::chrono::steady_clock;

constexpr int send_buffer = 64 * 1024; // what a slow reader has before it, beside the stream's own

Result<> read_exactly(int peer, char* into, std::size_t size, Steady::time_point until) {
    while (size > 0) {
        auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Steady::now());
        pollfd ready{peer, POLLIN, 0};
        auto got = left.count() > 0 ? ::poll(&ready, 1, static_cast<int>(left.count())) : 0;
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return fail(Errc::timeout, "The link did not say what to open.");
        auto bytes = ::read(peer, into, size);
        if (bytes < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (bytes <= 0) return fail(Errc::unavailable, "The link has gone.");
        into += bytes;
        size -= static_cast<std::size_t>(bytes);
    }
    return {};
}

bool send_answer(int peer, const proto::OpeningAnswer& answer) {
    auto body = proto::write_text(answer);
    std::string frame;
    for (int shift : {24, 16, 8, 0}) frame += static_cast<char>(body.size() >> shift & 0xFF);
    frame += body;
    // The first bytes of a connection always have room.
    return ::send(peer, frame.data(), frame.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(frame.size());
}

} // namespace

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

Result<Descriptor> activated_socket(std::string_view unit) {
    const char* pid = std::getenv("LISTEN_PID");
    const char* count = std::getenv("LISTEN_FDS");
    if (!pid || !count || std::atol(pid) != ::getpid() || std::string_view(count) != "1")
        return fail(
            Errc::not_found,
            fmt::format(
                "systemd handed over no socket: start {}, which starts this by itself.", unit
            )
        );
    ::unsetenv("LISTEN_PID");
    ::unsetenv("LISTEN_FDS");
    ::fcntl(3, F_SETFD, FD_CLOEXEC);
    ::fcntl(3, F_SETFL, O_NONBLOCK);
    return Descriptor(3);
}

Result<Descriptor> take_connection(const std::string& link_user, std::string_view unit) {
    Descriptor peer(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
    ucred who{};
    socklen_t size = sizeof who;
    if (!peer || ::getsockopt(peer.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
        return fail(
            Errc::invalid,
            fmt::format("This is started by {}, with a connection as its standard input.", unit)
        );
    auto link = find_user(link_user);
    if (!link || who.uid != link->uid)
        return fail(
            Errc::forbidden,
            fmt::format(
                "{} was asked by the user id {}; only the user {} may.", unit, who.uid, link_user
            )
        );
    ::setsockopt(peer.get(), SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    ::fcntl(peer.get(), F_SETFL, ::fcntl(peer.get(), F_GETFL) | O_NONBLOCK);
    // The connection ends when we say so, and not when a child of ours ends.
    Descriptor nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
    ::dup2(nothing.get(), STDIN_FILENO);
    return peer;
}

Result<std::string> read_opening_frame(int peer, std::chrono::milliseconds wait) {
    auto until = Steady::now() + wait;
    unsigned char head[4];
    FAIRLEAD_CHECK(read_exactly(peer, reinterpret_cast<char*>(head), sizeof head, until));
    std::size_t size = std::size_t(head[0]) << 24 | std::size_t(head[1]) << 16 |
                       std::size_t(head[2]) << 8 | head[3];
    if (size == 0 || size > largest_opening)
        return fail(Errc::invalid, "The link's first frame is empty, or larger than 4 KiB.");
    std::string body(size, '\0');
    FAIRLEAD_CHECK(read_exactly(peer, body.data(), size, until));
    return body;
}

bool answer(int peer, proto::StreamEnd code, std::string_view reason) {
    proto::OpeningAnswer answer;
    answer.code = static_cast<std::uint32_t>(code);
    answer.reason = reason;
    return send_answer(peer, answer);
}

bool answer_open(int peer) {
    return send_answer(peer, proto::OpeningAnswer());
}

} // namespace fairlead::host
