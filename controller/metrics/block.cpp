#include "controller/metrics/block.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace fairlead::metrics {
namespace {

// A block: its form, how many series, then points. A point: how many slots after the one before
// (the first: after 0), a bit for each series that differs, and for each of these 0 where it is
// unknown now, else 1 + the zigzag of the difference from the last known value.
constexpr std::uint64_t form = 1;
constexpr std::size_t most_series = 63;
constexpr double largest = 4503599627370496.0; // 2^52: whole numbers are exact

void put(std::string& to, std::uint64_t number) {
    while (number >= 0x80) {
        to += static_cast<char>(number | 0x80);
        number >>= 7;
    }
    to += static_cast<char>(number);
}

std::optional<std::uint64_t> take(std::string_view& from) {
    std::uint64_t number = 0;
    for (unsigned shift = 0; shift < 63 && !from.empty(); shift += 7) {
        auto byte = static_cast<unsigned char>(from.front());
        from.remove_prefix(1);
        number |= std::uint64_t(byte & 0x7F) << shift;
        if (byte < 0x80) return number;
    }
    return {};
}

std::uint64_t zigzag(std::int64_t number) {
    return (static_cast<std::uint64_t>(number) << 1) ^ static_cast<std::uint64_t>(number >> 63);
}

std::int64_t unzigzag(std::uint64_t number) {
    return static_cast<std::int64_t>(number >> 1) ^ -static_cast<std::int64_t>(number & 1);
}

std::optional<std::int64_t> whole(double value, double unit) {
    if (!known(value)) return {};
    return std::llround(std::clamp(value / unit, -largest, largest));
}

/// What the point before leaves: the last known number of each series, and whether it still is.
struct Before {
    std::int64_t number = 0;
    bool known = false;
};

} // namespace

std::string encode(const std::vector<Point>& points, std::span<const Series> series) {
    std::string bytes;
    put(bytes, form);
    put(bytes, series.size());
    std::vector<Before> before(series.size());
    std::int64_t slot = 0;
    std::string differences;
    for (const auto& point : points) {
        std::uint64_t mask = 0;
        differences.clear();
        for (std::size_t i = 0; i < series.size(); ++i) {
            auto number = i < point.values.size() ? whole(point.values[i], series[i].unit)
                                                  : std::optional<std::int64_t>();
            auto& last = before[i];
            if (number.has_value() == last.known && (!number || *number == last.number)) continue;
            mask |= std::uint64_t(1) << i;
            put(differences, number ? 1 + zigzag(*number - last.number) : 0);
            last.known = number.has_value();
            if (number) last.number = *number;
        }
        put(bytes, static_cast<std::uint64_t>(point.slot - slot));
        put(bytes, mask);
        bytes += differences;
        slot = point.slot;
    }
    return bytes;
}

std::vector<Point> decode(std::string_view block, std::span<const Series> series) {
    std::vector<Point> points;
    auto version = take(block);
    auto count = take(block);
    if (!version || *version != form || !count || *count > most_series) return points;
    std::vector<Before> before(*count);
    std::int64_t slot = 0;
    while (!block.empty()) {
        auto step = take(block);
        auto mask = take(block);
        if (!step || !mask || *step > std::uint64_t(1) << 40) return points;
        for (std::size_t i = 0; i < before.size(); ++i) {
            if ((*mask >> i & 1) == 0) continue;
            auto code = take(block);
            if (!code) return points;
            before[i].known = *code != 0;
            if (*code != 0)
                before[i].number = static_cast<std::int64_t>(
                    static_cast<std::uint64_t>(before[i].number) +
                    static_cast<std::uint64_t>(unzigzag(*code - 1))
                );
        }
        slot += static_cast<std::int64_t>(*step);
        Point point{slot, Values(series.size(), unknown())};
        for (std::size_t i = 0; i < std::min(before.size(), series.size()); ++i)
            if (before[i].known)
                point.values[i] = static_cast<double>(before[i].number) * series[i].unit;
        points.push_back(std::move(point));
    }
    return points;
}

Values mean(const std::vector<Point>& points, std::int64_t first, std::int64_t last) {
    Values sums;
    std::vector<std::size_t> counts;
    for (const auto& point : points) {
        if (point.slot < first || point.slot > last) continue;
        sums.resize(std::max(sums.size(), point.values.size()), 0);
        counts.resize(sums.size(), 0);
        for (std::size_t i = 0; i < point.values.size(); ++i) {
            if (!known(point.values[i])) continue;
            sums[i] += point.values[i];
            ++counts[i];
        }
    }
    for (std::size_t i = 0; i < sums.size(); ++i)
        sums[i] = counts[i] > 0 ? sums[i] / static_cast<double>(counts[i]) : unknown();
    return sums;
}

} // namespace fairlead::metrics
