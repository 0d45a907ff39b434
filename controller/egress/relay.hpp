/// Bytes in both directions between two sockets, within limits.
#pragma once

#include "controller/egress/waiting.hpp"

#include <cstdint>
#include <string_view>

namespace fairlead::egress {

struct RelayLimits {
    std::chrono::milliseconds idle; ///< in which no byte came or went
    Moment end;
    std::uint64_t bytes; ///< both directions together
};

struct Relayed {
    std::uint64_t sent = 0, received = 0;
    /// "closed", "idle", "life", "bytes" or "stopping".
    std::string_view why = "closed";
};

/// Until both sides have ended theirs, one fails, or a limit is reached. Non-blocking sockets.
/// Keeps 32 KiB, whatever comes.
Relayed relay(int near, int far, const RelayLimits& limits, int stop);

} // namespace fairlead::egress
