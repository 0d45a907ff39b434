/// How often one caller may ask: two token buckets each, reads and writes apart, in memory.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/result.hpp"
#include "controller/api/guard.hpp"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

namespace fairlead::access {

struct Rates {
    std::uint32_t reads_a_minute = 600;
    std::uint32_t writes_a_minute = 120;
};

/// Thread-safe. Callers that were quiet for a minute are forgotten; beyond 50,000 all are.
class RateLimiter {
public:
    explicit RateLimiter(Rates rates) : rates_(rates) {}

    enum class Kind { read, write };
    /// Errc::rate_limited (fact retry_after_s). `rate` is what is left, either way.
    Result<>
    take(const std::string& caller, Kind kind, Timestamp now, std::optional<api::Rate>& rate);

private:
    struct Bucket {
        double left = 0;
        Timestamp at;
    };
    struct Caller {
        Bucket reads, writes;
    };
    void forget(Timestamp now);

    Rates rates_;
    std::mutex lock_;
    std::unordered_map<std::string, Caller> callers_;
    Timestamp forgot_{};
};

} // namespace fairlead::access
