/// What the commands of this program answer with.
#pragma once

#include <boost/json/object.hpp>

#include <algorithm>
#include <chrono>
#include <vector>

namespace fairlead::bench {

using Steady = std::chrono::steady_clock;

inline double seconds_since(Steady::time_point began) {
    return std::chrono::duration<double>(Steady::now() - began).count();
}

/// {"count", "p50_ms", "p99_ms", "max_ms"}; takes seconds.
inline boost::json::object percentiles(std::vector<double> times) {
    std::sort(times.begin(), times.end());
    auto at = [&](double share) {
        if (times.empty()) return 0.0;
        auto index = static_cast<std::size_t>(share * static_cast<double>(times.size()));
        return times[std::min(index, times.size() - 1)] * 1000;
    };
    return {{"count", times.size()}, {"p50_ms", at(0.5)}, {"p99_ms", at(0.99)}, {"max_ms", at(1)}};
}

} // namespace fairlead::bench
