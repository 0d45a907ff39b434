/// HTTP of this machine's own loopback addresses, blocking: for a worker thread.
#pragma once

#include "common/runtime/result.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead {

/// Connects a TCP socket that does not block to `address`, four numbers with dots. 0, or the errno.
int connect_loopback(
    int fd, const std::string& address, std::uint16_t port, std::chrono::milliseconds limit
);

/// The status, and at most 64 KiB of the answer.
struct LoopbackAnswer {
    int status = 0;
    std::string body;
};

/// GET. Errc::unavailable, Errc::timeout.
Result<LoopbackAnswer> loopback_get(
    const std::string& address, std::uint16_t port, std::string_view path,
    std::chrono::milliseconds limit
);

} // namespace fairlead
