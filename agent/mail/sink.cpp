#include "agent/mail/sink.hpp"

#include "common/runtime/log.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace fairlead::mail {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t piece = 64 * 1024;
constexpr std::size_t most_owed = 64 * 1024; // answers that nobody reads

int milliseconds_until(Steady::time_point at) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(at - Steady::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
}

} // namespace

struct Sink::Peer {
    Peer(Descriptor from, Boxes& boxes) : socket(std::move(from)), session(boxes) {}

    Descriptor socket;
    Session session;
    std::string owed = Session::greeting();
    Steady::time_point heard = Steady::now();
    bool gone = false;

    bool listens() const { return !session.over() && owed.size() < most_owed; }
};

Sink::Sink(Descriptor listener, Boxes& boxes, SinkOptions options)
    : listener_(std::move(listener)), boxes_(boxes), options_(options) {}

Sink::~Sink() = default;

void Sink::accept() {
    while (peers_.size() < options_.connections) {
        Descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)
        );
        if (!socket) return;
        peers_.push_back(std::make_unique<Peer>(std::move(socket), boxes_));
    }
}

void Sink::read(Peer& peer) {
    std::string bytes(piece, '\0');
    auto got = ::recv(peer.socket.get(), bytes.data(), bytes.size(), 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (got <= 0) {
        peer.gone = true;
        return;
    }
    peer.heard = Steady::now();
    peer.session.take(std::string_view(bytes).substr(0, static_cast<std::size_t>(got)), peer.owed);
}

void Sink::send(Peer& peer) {
    while (!peer.owed.empty()) {
        auto done = ::send(peer.socket.get(), peer.owed.data(), peer.owed.size(), MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0 && errno == EAGAIN) return;
        if (done <= 0) {
            peer.gone = true;
            return;
        }
        peer.owed.erase(0, static_cast<std::size_t>(done));
    }
    if (peer.session.over()) peer.gone = true;
}

Result<> Sink::run() {
    auto next_sweep = Steady::now();
    auto busy = Steady::now();
    for (;;) {
        if (Steady::now() >= next_sweep) {
            boxes_.sweep();
            next_sweep = Steady::now() + options_.sweep_every;
        }
        std::vector<pollfd> watched;
        bool room = peers_.size() < options_.connections;
        watched.push_back({options_.stop_fd, POLLIN, 0});
        watched.push_back({room ? listener_.get() : -1, POLLIN, 0});
        auto wake = next_sweep;
        if (peers_.empty()) wake = std::min(wake, busy + options_.idle);
        for (const auto& peer : peers_) {
            short events = 0;
            if (peer->listens()) events |= POLLIN;
            if (!peer->owed.empty()) events |= POLLOUT;
            watched.push_back({peer->socket.get(), events, 0});
            wake = std::min(wake, peer->heard + options_.quiet);
        }
        auto found = ::poll(watched.data(), watched.size(), milliseconds_until(wake));
        if (found < 0 && errno != EINTR)
            return fail(
                Errc::internal, std::string("Cannot wait for mail: ") + std::strerror(errno)
            );
        if (found > 0 && watched[0].revents != 0) return {};
        auto now = Steady::now();
        for (std::size_t i = 0; i < peers_.size(); ++i) {
            auto& peer = *peers_[i];
            auto events = found > 0 ? watched[i + 2].revents : short(0);
            if (events & (POLLIN | POLLHUP | POLLERR)) {
                if (peer.listens())
                    read(peer);
                else if (events & (POLLHUP | POLLERR))
                    peer.gone = true;
            }
            if (!peer.gone && !peer.owed.empty()) send(peer);
            if (peer.heard + options_.quiet <= now) peer.gone = true;
        }
        std::erase_if(peers_, [](const auto& peer) { return peer->gone; });
        if (found > 0 && watched[1].revents != 0) accept();
        if (!peers_.empty()) busy = now;
        if (peers_.empty() && now >= busy + options_.idle) return {};
    }
}

} // namespace fairlead::mail
