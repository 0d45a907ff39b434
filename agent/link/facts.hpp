/// The machine as the controller shows it, read from /proc and systemd. Blocking: for a worker
/// thread.
#pragma once

#include "proto/messages.hpp"

#include <cstdint>
#include <string>

namespace fairlead::link {

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
