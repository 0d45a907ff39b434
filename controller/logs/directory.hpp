/// Which readings there are, how many there may be, and who has looked at what lately.
#pragma once

#include "controller/logs/asked.hpp"

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::logs {

struct DirectoryLimits {
    std::size_t of_reader = 6;  ///< a person's or a key's
    std::size_t of_server = 16; ///< an agent reads no more than 32, for all its controllers
    std::size_t of_org = 64;
    std::size_t of_all = 512;
};

/// For an answer to become a body. A request that broke in between leaves its place that long.
inline constexpr std::chrono::seconds waits_for{30};

/// That paging on in a log that was looked at is no other look, for the audit log.
inline constexpr std::chrono::minutes look_lasts{10};

/// Thread-safe, and nothing in it waits.
class Directory {
public:
    explicit Directory(DirectoryLimits limits = DirectoryLimits()) : limits_(limits) {}

    /// A place for a reading, until remove(). Errc::rate_limited (too_many_readings) says of whom.
    Result<AskedPtr> reserve(Asked asked);
    /// From now on its body is written. Null where it is not there any more, such as one whose
    /// access has ended meanwhile, or is written already.
    AskedPtr take(const ReadingId& id);
    void remove(const ReadingId& id);
    /// Those with this bond go, and are named for whoever ends them.
    std::vector<ReadingId> drop_bond(std::string_view bond);

    /// Whether look_of() was written down within look_lasts.
    bool was_noted(const std::string& look, Timestamp now) const;
    void note(const std::string& look, Timestamp now);

    std::size_t size() const;

private:
    DirectoryLimits limits_;
    mutable std::mutex mutex_;
    struct Place {
        AskedPtr asked;
        bool taken = false;
    };
    std::map<ReadingId, Place> all_;
    std::map<std::string, Timestamp> looks_;
};

} // namespace fairlead::logs
