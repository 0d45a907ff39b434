/// Measurements of servers over time: 24 hours at 30 s, 30 days at 10 min.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"
#include "proto/messages.hpp"

#include <chrono>
#include <vector>

namespace fairlead::fleet {

struct FactPoint {
    Timestamp at_ms;
    double cpu_percent = 0;
    double memory_bytes = 0;
    double disk_bytes = 0;
    double load1 = 0;
};
BOOST_DESCRIBE_STRUCT(FactPoint, (), (at_ms, cpu_percent, memory_bytes, disk_bytes, load1))

/// A period and how long its points are kept.
struct Resolution {
    std::chrono::seconds period;
    std::chrono::hours kept;
};
inline constexpr Resolution fine{std::chrono::seconds(30), std::chrono::hours(24)};
inline constexpr Resolution coarse{std::chrono::seconds(600), std::chrono::hours(24 * 30)};

class FactPoints {
public:
    FactPoints(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}

    /// Into both resolutions; the server's own points that are too old go.
    Result<> add(const ServerId& server, Timestamp at, const proto::Facts& facts);
    /// Oldest first, at most 4400.
    Result<std::vector<FactPoint>>
    range(const ServerId& server, Resolution resolution, Timestamp from, Timestamp to);
    /// Too old ones of servers that do not report any more.
    Result<> prune(Timestamp now);

private:
    store::Connection& db_;
    OrgId org_;
};

Result<std::vector<OrgId>> orgs_with_old_points(store::Connection& db, Timestamp now);

} // namespace fairlead::fleet
