/// Addresses that show API keys which are none.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/result.hpp"
#include "common/store/store.hpp"

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace fairlead::access {

/// After ten refused keys within 15 minutes an address waits for as long, whichever key it shows
/// then. Thread-safe; read from the store once and written through, so that a restart forgives
/// nothing and a good key costs no look-up.
class Refusals {
public:
    /// Throws when the store cannot be read.
    explicit Refusals(store::Store& store);

    /// Errc::rate_limited (fact retry_after_s) while the address has to wait.
    Result<> check(std::string_view address, Timestamp now);
    /// One more key from there was refused.
    Result<> count(std::string_view address, Timestamp now);

    static constexpr std::int64_t most = 10;
    static constexpr auto wait = std::chrono::minutes(15);

private:
    struct Known {
        std::int64_t refused = 0;
        Timestamp last;
        Timestamp until;
    };
    void make_room(Timestamp now);

    store::Store& store_;
    std::mutex lock_;
    std::unordered_map<std::string, Known> known_;
};

} // namespace fairlead::access
