/// What rules can be about, and what a good rule of each kind says.
#pragma once

#include <boost/describe/enum.hpp>

#include <chrono>
#include <span>
#include <string_view>

namespace fairlead::alerts {

BOOST_DEFINE_ENUM_CLASS(
    Kind, cpu, memory, disk, server_offline, environment_down, backup_too_old, certificate_ending
)

/// In which direction it is bad; `state` is one that is or is not.
enum class Bad { above, below, state };

struct KindFacts {
    Kind kind;
    std::string_view name; ///< of the recommended rule
    std::string_view unit; ///< of thresholds: "%", "h", "days"; "" for a state
    Bad bad;
    double least, most;                    ///< of thresholds
    double threshold, clear;               ///< recommended
    std::chrono::seconds wait, clear_wait; ///< recommended
};

const KindFacts& facts_of(Kind kind);
std::span<const KindFacts> all_kinds();

} // namespace fairlead::alerts
