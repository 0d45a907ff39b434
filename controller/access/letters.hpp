/// What people are written about their accounts.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/secret.hpp"
#include "controller/mail/outbox.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace fairlead::access {

/// Nothing that somebody typed stands in them but the address that they go to: whoever registers
/// with another person's address sends that person no message.
class Letters {
public:
    /// `url`: where the console is reached, without a slash at the end.
    explicit Letters(std::string url) : url_(std::move(url)) {}

    mail::Letter verify(std::string_view to, const Secret& token, Timestamp now) const;
    mail::Letter change(std::string_view to, const Secret& token, Timestamp now) const;
    mail::Letter reset(std::string_view to, const Secret& token, Timestamp now) const;
    /// Without links: news about the account.
    mail::Letter known_already(std::string_view to, Timestamp now) const;
    mail::Letter
    address_changed(std::string_view to, std::string_view new_address, Timestamp now) const;
    mail::Letter password_was_reset(std::string_view to, Timestamp now) const;

    static constexpr std::chrono::hours verify_lasts{24};
    static constexpr std::chrono::hours reset_lasts{1};

private:
    std::string url_;
};

} // namespace fairlead::access
