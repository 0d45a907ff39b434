/// The machine as the controller shows it, read from /proc and systemd. Blocking: for a worker
/// thread.
#pragma once

#include "proto/messages.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace fairlead::link {

/// How a connector that runs answers, by what `systemctl show` says of its unit's environment:
/// "connected" or "disconnected".
using ConnectorAnswer = std::function<std::string(const std::string& environment)>;

/// Takes the states of units from the output of `systemctl show`.
void take_units(proto::Facts& facts, const std::string& shown, const ConnectorAnswer& ask);

class FactsReader {
public:
    explicit FactsReader(std::string agent_version) : version_(std::move(agent_version)) {}

    /// The load of the CPUs is the mean since the call before. What cannot be read is left empty.
    proto::Facts read(std::int64_t now_ms);

private:
    std::string version_;
    std::uint64_t busy_ = 0, total_ = 0;
};

} // namespace fairlead::link
