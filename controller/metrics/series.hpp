/// What is kept over time of servers and environments. A line's place is its number in stored
/// blocks: new ones go to the end, and none changes its unit.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

namespace fairlead::metrics {

struct Series {
    std::string_view name; ///< as the API calls it
    double unit;           ///< values are kept as whole numbers of it
};

inline constexpr double mib = 1024.0 * 1024.0;

inline constexpr std::array server_series{
    Series{"cpu_percent", 0.1},
    Series{"memory_used_bytes", mib},
    Series{"swap_used_bytes", mib},
    Series{"disk_free_bytes", mib},
    Series{"load1", 0.01},
    Series{"network_in_bytes_per_s", 16},
    Series{"network_out_bytes_per_s", 16},
    Series{"pg_connections", 0.1},
    Series{"pg_active", 0.1},
    Series{"pg_slow", 0.1},
    Series{"pg_waiting", 0.1},
    Series{"pg_idle_in_transaction", 0.1},
    Series{"pg_longest_s", 0.1},
    Series{"pg_transactions_per_s", 0.1},
    Series{"pg_bytes", mib},
};

inline constexpr std::array environment_series{
    Series{"up", 0.01},
    Series{"memory_bytes", mib},
    Series{"cpu_percent", 0.1}, ///< of one processor
    Series{"processes", 0.1},
    Series{"requests_per_s", 0.001},
    Series{"failures_per_s", 0.001},
    Series{"request_ms", 0.1},           ///< the mean of a request
    Series{"requests_under_way", 0.001}, ///< the mean, so of as many workers as busy
    Series{"connections", 0.1},
    Series{"slow", 0.1},
    Series{"waiting", 0.1},
    Series{"database_bytes", mib},
    Series{"cron_late", 0.1},
    Series{"cron_late_s", 1},
};

/// One for each series; unknown() where nothing was measured.
using Values = std::vector<double>;

inline double unknown() {
    return std::numeric_limits<double>::quiet_NaN();
}
inline bool known(double value) {
    return !std::isnan(value);
}

/// Of the kind that the id is of, "srv_…" or "env_…".
std::span<const Series> series_of(std::string_view subject);
/// The place of a series that there is.
std::size_t place_of(std::span<const Series> all, std::string_view name);

} // namespace fairlead::metrics
