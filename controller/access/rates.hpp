/// How often one caller may ask: two token buckets each, reads and writes apart. They are in
/// memory, and in the store a few seconds later, so that a restart forgives nothing.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/result.hpp"
#include "common/store/store.hpp"
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

/// Of one API key.
inline constexpr Rates usual_key_rates{120, 20};

/// Thread-safe. Callers that were quiet for a minute are forgotten; beyond 50,000 all are.
class RateLimiter {
public:
    explicit RateLimiter(Rates sessions, Rates keys = usual_key_rates)
        : sessions_(sessions), keys_(keys) {}

    enum class Who { session, key };
    enum class Kind { read, write };
    /// Errc::rate_limited (fact retry_after_s). `rate` is what is left, either way.
    Result<> take(
        Who who, const std::string& caller, Kind kind, Timestamp now, std::optional<api::Rate>& rate
    );

    /// What an earlier process saved. Once, at start.
    Result<> load(store::Store& store, Timestamp now);
    /// Saves who asked since the last time, and drops from the store whose buckets are full again.
    /// Writes nothing when nobody asked. Every few seconds, and at the end.
    Result<> save(store::Store& store, Timestamp now);

private:
    struct Bucket {
        double left = 0;
        Timestamp at;
    };
    struct Caller {
        Bucket reads, writes;
        bool changed = false; ///< since the last save
    };
    void forget(Timestamp now);

    Rates sessions_, keys_;
    std::mutex lock_;
    std::unordered_map<std::string, Caller> callers_;
    Timestamp forgot_{};
    bool stored_ = false; ///< there may be rows in the store
};

} // namespace fairlead::access
