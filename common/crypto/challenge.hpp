/// Challenges for whoever proves a key: nothing is stored for one that is never answered.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/secret.hpp"

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace fairlead::crypto {

/// Thread-safe. A challenge carries its time and a MAC under a key of this process, so that asking
/// for millions costs no memory; those that were answered are remembered until they run out, so
/// that an answer counts once. After a restart none of before is good.
class Challenges {
public:
    Challenges(std::chrono::seconds life, std::size_t max_answered);

    /// `subject` is who asked and what for.
    std::string make(std::string_view subject, Timestamp now) const;
    /// True for a challenge that was made here for this subject, has not run out and was not taken.
    bool good(std::string_view subject, std::string_view challenge, Timestamp now) const;
    /// The same, true once. False too while as many are remembered as may be.
    bool take(std::string_view subject, std::string_view challenge, Timestamp now);

    std::chrono::seconds life() const { return life_; }

private:
    /// When it runs out; the time of the epoch for what was not made here for this subject.
    Timestamp end_of(std::string_view subject, std::string_view challenge) const;
    std::string mac(std::string_view subject, std::string_view nonce, std::string_view time) const;

    Secret key_;
    std::chrono::seconds life_;
    std::size_t max_answered_;
    mutable std::mutex mutex_;
    std::map<std::string, Timestamp, std::less<>> answered_; ///< and when it may be forgotten
};

} // namespace fairlead::crypto
