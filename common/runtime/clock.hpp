/// Time as a parameter: nothing outside `main` and the shells calls now() by itself.
#pragma once

#include "common/runtime/result.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace fairlead {

/// Milliseconds since 1970 UTC: the resolution of everything that is stored or sent.
using Timestamp = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

/// The wall clock. Thread-safe. For durations inside one process use std::chrono::steady_clock.
class Clock {
public:
    virtual ~Clock() = default;
    virtual Timestamp now() const = 0;
};

class SystemClock final : public Clock {
public:
    Timestamp now() const override;
};

/// Stands still until a test moves it.
class FakeClock final : public Clock {
public:
    explicit FakeClock(Timestamp start = Timestamp(std::chrono::hours(24 * 365 * 56)))
        : now_(start) {}
    Timestamp now() const override { return now_; }
    void advance(std::chrono::milliseconds by) { now_ += by; }

private:
    Timestamp now_;
};

inline std::int64_t to_ms(Timestamp at) {
    return at.time_since_epoch().count();
}
inline Timestamp from_ms(std::int64_t ms) {
    return Timestamp(std::chrono::milliseconds(ms));
}

/// RFC 3339 in UTC with milliseconds, "2026-01-31T23:59:59.000Z".
std::string to_rfc3339(Timestamp at);

/// Reads RFC 3339 with any offset; fractions beyond milliseconds are cut. Errc::invalid otherwise.
Result<Timestamp> from_rfc3339(std::string_view text);

} // namespace fairlead
