/// How connections to the outside are made: by the egress program, and in tests without it.
#pragma once

#include "common/runtime/file.hpp"
#include "common/runtime/ip.hpp"
#include "common/runtime/result.hpp"
#include "controller/egress/allow.hpp"

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::outbound {

/// When a request is given up: at a time, or earlier where somebody asks it to stop.
struct Deadline {
    Deadline() = default;
    Deadline(std::chrono::steady_clock::time_point when, std::stop_token asked = {})
        : at(when), stop(std::move(asked)) {}
    std::chrono::steady_clock::time_point at;
    std::stop_token stop;
};

/// Blocking, thread-safe, over at the deadline. Codes: "outbound_unreachable", "address_refused",
/// "egress_missing", "outbound_busy", "outbound_stopped".
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
