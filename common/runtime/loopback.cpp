#include "common/runtime/loopback.hpp"

#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace fairlead {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr std::size_t most_bytes = 65536;
constexpr std::chrono::milliseconds connect_limit = 2000ms;

bool wait_for(int fd, short events, Steady::time_point until) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Steady::now()).count();
    pollfd ready{fd, events, 0};
    return left > 0 && ::poll(&ready, 1, static_cast<int>(left)) > 0;
}

} // namespace

int connect_loopback(
    int fd, const std::string& address, std::uint16_t port, std::chrono::milliseconds limit
) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    if (::inet_pton(AF_INET, address.c_str(), &to.sin_addr) != 1) return EINVAL;
    if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) return 0;
    if (errno != EINPROGRESS) return errno;
    if (!wait_for(fd, POLLOUT, Steady::now() + limit)) return ETIMEDOUT;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

Result<LoopbackAnswer> loopback_get(
    const std::string& address, std::uint16_t port, std::string_view path,
    std::chrono::milliseconds limit
) {
    auto until = Steady::now() + limit;
    Descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (auto error = connect_loopback(fd.get(), address, port, std::min(limit, connect_limit));
        error != 0)
        return fail(Errc::unavailable, fmt::format("port {}: {}", port, std::strerror(error)));
    auto request = fmt::format(
        "GET {} HTTP/1.0\r\nHost: {}:{}\r\nUser-Agent: fairlead-agent\r\nConnection: close\r\n\r\n",
        path, address, port
    );
    if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size()))
        return fail(Errc::unavailable, fmt::format("port {}: the request was not taken", port));
    std::string text;
    char block[8192];
    while (text.size() < most_bytes) {
        if (!wait_for(fd.get(), POLLIN, until))
            return fail(
                Errc::timeout, fmt::format("no answer to GET {} within {} ms", path, limit.count())
            );
        auto got = ::read(fd.get(), block, sizeof block);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (got < 0)
            return fail(Errc::unavailable, fmt::format("port {}: {}", port, std::strerror(errno)));
        if (got == 0) break;
        text.append(block, static_cast<std::size_t>(got));
    }
    LoopbackAnswer answer;
    if (text.starts_with("HTTP/1.") && text.size() > 12)
        std::from_chars(text.data() + 9, text.data() + 12, answer.status);
    if (answer.status < 100)
        return fail(Errc::unavailable, fmt::format("GET {} got no HTTP answer", path));
    auto body = text.find("\r\n\r\n");
    if (body != std::string::npos) answer.body = text.substr(body + 4);
    return answer;
}

} // namespace fairlead
