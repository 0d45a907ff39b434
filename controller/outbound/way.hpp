/// How connections to the outside are made: by the egress program, and in tests without it.
#pragma once

#include "common/runtime/file.hpp"
#include "common/runtime/ip.hpp"
#include "common/runtime/result.hpp"
#include "controller/egress/allow.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::outbound {

using Deadline = std::chrono::steady_clock::time_point;

/// Blocking, thread-safe, over at the deadline. Codes: "outbound_unreachable", "address_refused",
/// "egress_missing", "outbound_busy".
class Way {
public:
    virtual ~Way() = default;
    /// All addresses of a name.
    virtual Result<std::vector<IpAddress>>
    addresses(const std::string& host, Deadline deadline) = 0;
    /// To this address of it; without one, to one that the way chooses.
    virtual Result<Descriptor> connect(
        const egress::Place& place, const std::optional<IpAddress>& address, Deadline deadline
    ) = 0;
};

} // namespace fairlead::outbound
