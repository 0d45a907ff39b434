/// Challenges for servers that prove their key: nothing is stored for one that is never answered.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/id.hpp"
#include "common/runtime/secret.hpp"

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace fairlead::fleet {

/// Thread-safe. A challenge carries its time and a MAC under a key of this process, so that asking
/// for millions costs no memory; those that were answered are remembered until they run out, so
/// that an answer counts once.
class Challenges {
public:
    Challenges();

    static constexpr auto life = std::chrono::seconds(60);
    static constexpr std::size_t max_answered = 10'000;

    std::string make(const ServerId& server, Timestamp now) const;
    /// True once, for a challenge that was made here for this server and has not run out.
    bool take(const ServerId& server, std::string_view challenge, Timestamp now);

private:
    std::string mac(std::string_view server, std::string_view nonce, std::string_view time) const;
    Secret key_;
    std::mutex mutex_;
    std::map<std::string, Timestamp, std::less<>> answered_; ///< and when it may be forgotten
};

} // namespace fairlead::fleet
