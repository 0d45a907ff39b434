/// The newest measurements of all servers and environments, in memory: for rates of counters, for
/// alerts, and for Prometheus. Gone with the process, and there again half a minute later.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/id.hpp"
#include "controller/metrics/series.hpp"
#include "proto/measures.hpp"
#include "proto/messages.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fairlead::metrics {

/// What an agent told, by the places of proto's tables; -1 where it told nothing.
using Told = std::vector<std::int64_t>;

/// Names that are not in the table, and values below 0, are passed over.
Told told(const proto::MeasuredValues& values, std::span<const proto::Measure> table);

struct Newest {
    Timestamp at{};
    Values values; ///< by series_of()
    Told measures; ///< by proto::server_measures or proto::environment_measures
    std::uint64_t memory_bytes = 0, disk_bytes = 0; ///< what a server has of them
};

/// How much a counter grew each second between two; unknown where it began anew.
double rate(const Newest* before, const Told& now, Timestamp at, std::size_t place);

/// Thread-safe.
class NewestOfAll {
public:
    /// `every`: how often agents tell.
    explicit NewestOfAll(std::chrono::seconds every = std::chrono::seconds(30))
        : fresh_(std::max(std::chrono::seconds(150), 3 * every)) {}

    /// How old a measurement may be that is still one of now.
    std::chrono::seconds fresh() const { return fresh_; }
    /// How far apart two may be that a rate is made of.
    std::chrono::seconds longest_gap() const { return 2 * fresh_; }

    std::optional<Newest> find(std::string_view subject) const;
    void put(const std::string& subject, Newest newest);
    /// Those of before are of nobody any more.
    void forget_before(Timestamp at);
    std::size_t size() const;

private:
    std::chrono::seconds fresh_;
    mutable std::mutex lock_;
    std::unordered_map<std::string, Newest> all_;
};

} // namespace fairlead::metrics
