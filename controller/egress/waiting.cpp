#include "controller/egress/waiting.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace fairlead::egress {

using namespace std::chrono_literals;

int milliseconds_until(Moment deadline) {
    auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp(left, std::chrono::milliseconds(0), 3'600'000ms).count());
}

bool wait_for(int socket, short events, Moment deadline, int stop) {
    pollfd watched[] = {{socket, events, 0}, {stop, POLLIN, 0}};
    for (;;) {
        int ready = ::poll(watched, 2, milliseconds_until(deadline));
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0 || watched[1].revents != 0) return false;
        return true;
    }
}

Head read_head(int socket, std::size_t most, Moment deadline, int stop) {
    std::string head;
    while (head.size() < most) {
        char piece[512];
        auto got = ::recv(socket, piece, sizeof piece, MSG_PEEK | MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) {
            if (!wait_for(socket, POLLIN, deadline, stop)) return {"", true};
            continue;
        }
        if (got <= 0) break;
        auto before = head.size();
        head.append(piece, static_cast<std::size_t>(got));
        auto end = head.find("\r\n\r\n", before < 3 ? 0 : before - 3);
        auto used = end == std::string::npos ? static_cast<std::size_t>(got) : end + 4 - before;
        if (::recv(socket, piece, used, MSG_DONTWAIT) != static_cast<long>(used)) break;
        if (end == std::string::npos) continue;
        head.resize(end + 4);
        return {std::move(head)};
    }
    return {};
}

std::string read_exactly(int socket, std::size_t size, Moment deadline, int stop) {
    std::string bytes(size, '\0');
    for (std::size_t had = 0; had < size;) {
        auto got = ::recv(socket, bytes.data() + had, size - had, MSG_DONTWAIT);
        if (got > 0) {
            had += static_cast<std::size_t>(got);
            continue;
        }
        if (got < 0 && errno == EINTR) continue;
        if (got == 0 || errno != EAGAIN || !wait_for(socket, POLLIN, deadline, stop)) return "";
    }
    return bytes;
}

bool send_all(int socket, std::string_view text, Moment deadline, int stop) {
    while (!text.empty()) {
        auto sent = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            text.remove_prefix(static_cast<std::size_t>(sent));
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN || !wait_for(socket, POLLOUT, deadline, stop)) return false;
    }
    return true;
}

Result<Descriptor>
connect_to(const IpAddress& address, std::uint16_t port, Moment deadline, int stop) {
    auto failed = [&](int error) {
        return fail(
            Errc::unavailable, "Nothing answers at " + address.text() + " port " +
                                   std::to_string(port) + ": " + std::strerror(error) + "."
        );
    };
    int family = address.v4() ? AF_INET : AF_INET6;
    Descriptor socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) return failed(errno);
    int on = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int done = 0;
    if (address.v4()) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        ::inet_pton(AF_INET, address.text().c_str(), &to.sin_addr);
        done = ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
    } else {
        sockaddr_in6 to{};
        to.sin6_family = AF_INET6;
        to.sin6_port = htons(port);
        ::inet_pton(AF_INET6, address.text().c_str(), &to.sin6_addr);
        done = ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
    }
    if (done == 0) return socket;
    if (errno != EINPROGRESS) return failed(errno);
    if (!wait_for(socket.get(), POLLOUT, deadline, stop)) return failed(ETIMEDOUT);
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return failed(error);
    return socket;
}

} // namespace fairlead::egress
