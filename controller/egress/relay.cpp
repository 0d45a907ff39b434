#include "controller/egress/relay.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace fairlead::egress {
namespace {

/// One direction. What was read is passed on before more is read.
struct Flow {
    int from, to;
    std::uint64_t& bytes;
    std::array<char, 16 * 1024> buffer{};
    std::size_t at = 0, end = 0;
    bool ended = false;

    bool holds() const { return at < end; }

    /// False when a side is gone.
    bool read() {
        auto got = ::recv(from, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got < 0) return errno == EAGAIN || errno == EINTR;
        if (got == 0) {
            ended = true;
            return ::shutdown(to, SHUT_WR) == 0;
        }
        at = 0;
        end = static_cast<std::size_t>(got);
        bytes += end;
        return true;
    }
    bool write() {
        auto sent = ::send(to, buffer.data() + at, end - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) return errno == EAGAIN || errno == EINTR;
        at += static_cast<std::size_t>(sent);
        return true;
    }
};

} // namespace

Relayed relay(int near, int far, const RelayLimits& limits, int stop) {
    Relayed relayed;
    Flow out{near, far, relayed.sent}, in{far, near, relayed.received};
    auto quiet_until = std::chrono::steady_clock::now() + limits.idle;
    auto ended = [&](std::string_view why) {
        relayed.why = why;
        return relayed;
    };
    while (!out.ended || !in.ended) {
        if (relayed.sent + relayed.received > limits.bytes) return ended("bytes");
        auto events = [](const Flow& reads, const Flow& writes) {
            int wanted = 0;
            if (!reads.ended && !reads.holds()) wanted |= POLLIN;
            if (writes.holds()) wanted |= POLLOUT;
            return static_cast<short>(wanted);
        };
        pollfd watched[] = {
            {near, events(out, in), 0}, {far, events(in, out), 0}, {stop, POLLIN, 0}};
        // One of which nothing is wanted would wake poll with POLLHUP again and again.
        if (watched[0].events == 0 && in.ended) watched[0].fd = -1;
        if (watched[1].events == 0) watched[1].fd = -1;
        int ready = ::poll(watched, 3, milliseconds_until(std::min(quiet_until, limits.end)));
        if (ready < 0 && errno != EINTR) return ended("closed");
        if (watched[2].revents != 0) return ended("stopping");
        // Whoever asked has left both directions, and nobody is there for an answer.
        if (!in.ended && (watched[0].revents & (POLLHUP | POLLERR)) != 0) return ended("closed");
        auto now = std::chrono::steady_clock::now();
        if (now >= limits.end) return ended("life");
        if (ready == 0) return ended("idle");
        auto before = relayed.sent + relayed.received + out.at + in.at;
        for (auto* flow : {&out, &in}) {
            if (flow->holds()) {
                if (!flow->write()) return ended("closed");
            } else if (!flow->ended && !flow->read()) {
                return ended("closed");
            }
        }
        if (relayed.sent + relayed.received + out.at + in.at != before)
            quiet_until = now + limits.idle;
    }
    return relayed;
}

} // namespace fairlead::egress
