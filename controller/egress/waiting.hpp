/// Waits on sockets that end: at a deadline, or when the program stops.
#pragma once

#include "common/runtime/file.hpp"
#include "common/runtime/ip.hpp"
#include "common/runtime/result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead::egress {

using Moment = std::chrono::steady_clock::time_point;

/// For poll(2): how long until then, at least 0, at most an hour.
int milliseconds_until(Moment deadline);

/// False at the deadline and when `stop` (a descriptor that becomes readable; -1: none) says so.
bool wait_for(int socket, short events, Moment deadline, int stop);

struct Head {
    std::string text;  ///< as far as its empty line; empty when none came
    bool late = false; ///< for the deadline or `stop`; otherwise the other side ended, or said more
};
/// What begins a message of HTTP, of at most `most` bytes. What follows it stays unread, and
/// belongs to whoever has the connection next.
Head read_head(int socket, std::size_t most, Moment deadline, int stop);

/// The next `size` bytes; "" when they do not come.
std::string read_exactly(int socket, std::size_t size, Moment deadline, int stop);

/// All of it. False when it could not be by then.
bool send_all(int socket, std::string_view text, Moment deadline, int stop);

/// TCP, non-blocking. Errc::unavailable with what the system said.
Result<Descriptor>
connect_to(const IpAddress& address, std::uint16_t port, Moment deadline, int stop);

} // namespace fairlead::egress
