/// Sending what was asked for, at the pace of whoever reads it at the other end of the link.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::host {

struct SendOptions {
    std::chrono::milliseconds patience{60'000};         ///< for a reader who takes nothing
    std::optional<std::chrono::milliseconds> longest{}; ///< altogether
    std::function<bool()> allowed{}; ///< by the policy as it is now; asked after a change
    int policy_fd = -1;              ///< readable after a change
    int stop_fd = -1;                ///< readable when this process is to end
};

/// To the end of the file, from where it stands; 0 for what has none.
std::uint64_t bytes_left(int file);

/// The byte that says that it is open, `text`, `bytes` of the file from where it stands, and the
/// byte that says that it is whole (proto/log.hpp). Keeps a page whatever the reader does. Gives
/// why it ended: "done"; or "gone", "slow", "time", "policy", "stopped", "failed", and then the
/// last byte is missing.
std::string
send_whole(int peer, std::string_view text, int file, std::uint64_t bytes, SendOptions options);

/// The same of a text alone.
std::string send_whole(int peer, std::string_view text, SendOptions options);

/// A text without those two bytes, for who reads to the end of the connection.
std::string send_plain(int peer, std::string_view text, SendOptions options);

} // namespace fairlead::host
