/// When an alert fires and when it is over: a value that is bad for long enough fires once, and
/// fires again only after it was good for long enough.
#pragma once

#include "common/runtime/clock.hpp"
#include "controller/alerts/kinds.hpp"

#include <boost/describe.hpp>

#include <chrono>
#include <optional>

namespace fairlead::alerts {

/// What a rule asks of a value.
struct Limits {
    Bad bad = Bad::above;
    double threshold = 0;
    double clear = 0;            ///< how far back it must come: between the two nothing changes
    std::chrono::seconds wait{}; ///< so long it must be bad
    std::chrono::seconds clear_wait{}; ///< so long it must be good

    bool is_bad(double value) const;
    bool is_good(double value) const;
};

BOOST_DEFINE_ENUM_CLASS(
    State, quiet, ///< nothing is stored of it
    pending,      ///< bad, and not yet for long enough
    firing,       ///< somebody was told
    clearing      ///< good, and not yet for long enough
)

struct Standing {
    State state = State::quiet;
    Timestamp since{}; ///< of this state

    bool operator==(const Standing&) const = default;
};

enum class News { none, fired, cleared };

struct Step {
    Standing standing;
    News news = News::none;
};

/// No value: nobody knows. What was not told yet begins anew, what was told stays.
Step step(
    const Limits& limits, const Standing& standing, std::optional<double> value, Timestamp now
);

} // namespace fairlead::alerts
