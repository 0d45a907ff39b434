/// One plain text mail, and how it looks on the wire (RFC 5322, RFC 2045).
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/result.hpp"

#include <string>
#include <string_view>

namespace fairlead::mail {

/// "Fairlead <noreply@example.org>" taken apart; the name may be empty.
struct Mailbox {
    std::string name;
    std::string address;
    /// Errc::invalid: no address, or a character that could begin another header.
    static Result<Mailbox> parse(std::string_view text);
};

struct Message {
    std::string id; ///< the left half of its Message-ID
    std::string to; ///< a bare address
    std::string subject;
    std::string text; ///< lines end with \n
};

/// Headers and body with CRLF, nothing longer than 78 bytes but addresses, 7 bits but for addresses
/// that are not. Errc::invalid where `to` is no address: nothing that somebody typed becomes a
/// header of its own.
Result<std::string> format(const Message& message, const Mailbox& from, Timestamp now);

} // namespace fairlead::mail
