/// Progressive waits after failed proofs: passwords, registration tokens, recovery. Kept in the
/// store, so that a restart forgives nothing.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/store/store.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace fairlead::access {

/// "address/192.0.2.1"; an IPv6 address counts with its whole /64, which is what one attacker has.
std::string wait_of_address(std::string_view purpose, std::string_view address);
std::string wait_of_account(std::string_view purpose, std::string_view account);

/// After the third failure in a row 1 s, then 2, 4 … up to 900 s. A day without failures forgets
/// them.
class Waits {
public:
    explicit Waits(store::Connection& db) : db_(db) {}

    /// Errc::rate_limited (fact retry_after_s) while the subject has to wait.
    Result<> check(std::string_view subject, Timestamp now);
    Result<> failed(std::string_view subject, Timestamp now);
    Result<> succeeded(std::string_view subject);
    /// Forgets what is older than a day; at most 10,000 subjects are kept, the newest.
    Result<> tidy(Timestamp now);

    static std::chrono::seconds after(std::int64_t failures);

private:
    store::Connection& db_;
};

} // namespace fairlead::access
