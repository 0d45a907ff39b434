/// The ticket that opens one terminal, once: what it says, and the signature that nobody else can
/// make.
#pragma once

#include "common/crypto/sign.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/result.hpp"
#include "common/runtime/secret.hpp"
#include "controller/terminal/seat.hpp"

#include <chrono>
#include <string_view>

namespace fairlead::terminal {

/// From the answer that hands it out on.
inline constexpr std::chrono::seconds ticket_lasts{30};

/// What it is held against: the request that brings it.
struct Bearer {
    TerminalId terminal; ///< of the path
    UserId user;
    SessionId session;
    std::string address;
};

/// "fltk_", the claims and an Ed25519 signature over both. The key is made at start and kept in
/// memory alone: no ticket outlives the process. Thread-safe.
class Tickets {
public:
    Tickets() : key_(crypto::SigningKey::generate()), verifier_(key_.verify_key()) {}

    Secret sign(const Seat& seat) const;
    /// That we signed it, for this very bearer, and that it has not run out. That it was not used
    /// before is the directory's to know. Errc::unauthenticated (ticket_refused).
    Result<> check(std::string_view ticket, const Bearer& bearer, Timestamp now) const;

private:
    crypto::SigningKey key_;
    crypto::VerifyKey verifier_;
};

/// The refusal of a ticket, whatever is wrong with it: whoever tries others learns nothing.
tl::unexpected<Error> ticket_refused();

} // namespace fairlead::terminal
