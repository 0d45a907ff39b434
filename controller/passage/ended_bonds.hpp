/// Whose access has ended lately. Between the guard, which lets a request in, and the WebSocket
/// that comes of it, a connection is in no list that an end would look through.
#pragma once

#include "common/runtime/clock.hpp"

#include <map>
#include <string>
#include <vector>

namespace fairlead::passage {

/// Not thread-safe.
class EndedBonds {
public:
    void note(const std::string& bond, Timestamp at);
    /// Whether one of these ended at that time or after it. Knows the last minute.
    bool any(const std::vector<std::string>& bonds, Timestamp since) const;

private:
    std::map<std::string, Timestamp> ended_;
};

} // namespace fairlead::passage
