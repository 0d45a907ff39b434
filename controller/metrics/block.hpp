/// Points of one server or environment, one after another, as bytes: what differs from the point
/// before, in few bytes. A quiet server's point takes five of them, a busy one's fifteen.
#pragma once

#include "controller/metrics/series.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::metrics {

struct Point {
    std::int64_t slot = 0; ///< its time in periods since 1970
    Values values;
};

/// Slots grow from point to point. Values are rounded to their series' units.
std::string encode(const std::vector<Point>& points, std::span<const Series> series);

/// What can be read of it: a block that is damaged ends where it makes no sense. Series that it is
/// older than are unknown.
std::vector<Point> decode(std::string_view block, std::span<const Series> series);

/// The mean of each series over the points whose slot lies in [first, last], without those where
/// it is unknown. Empty where there is no point.
Values mean(const std::vector<Point>& points, std::int64_t first, std::int64_t last);

} // namespace fairlead::metrics
