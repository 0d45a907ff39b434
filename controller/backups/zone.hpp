/// The offsets of a time zone, for days that begin where the customer lives.
#pragma once

#include "common/runtime/clock.hpp"

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

namespace fairlead::backups {

/// Immutable. From TZif (RFC 8536) as it lies in /usr/share/zoneinfo; after the file's last
/// transition the offset of that transition goes on, which Debian's files put into the year 2037.
class Zone {
public:
    /// UTC.
    Zone() = default;
    /// UTC also where this machine does not know the name, or its file is none.
    static Zone named(std::string_view name);
    /// From the content of such a file; UTC where it is none.
    static Zone parse(std::string_view tzif);

    std::chrono::seconds offset_at(Timestamp at) const;

private:
    struct Change {
        std::int64_t from = 0; ///< seconds since 1970 UTC
        std::int32_t offset = 0;
    };
    std::int32_t first_ = 0;      ///< before all changes
    std::vector<Change> changes_; ///< in order
};

} // namespace fairlead::backups
