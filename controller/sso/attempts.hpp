/// Attempts to sign in elsewhere, kept by the browser that makes them: what is sealed in its cookie
/// nobody else has, nobody can change, and it costs us nothing until it comes back.
#pragma once

#include "common/crypto/keystore.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/id.hpp"
#include "controller/sso/protocol.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::sso {

/// The cookie that holds one; good for `attempt_lasts`. Another attempt in the same browser takes
/// its place.
inline constexpr std::string_view attempt_cookie = "__Host-fairlead-sso";
inline constexpr std::chrono::minutes attempt_lasts{10};

struct Begun {
    std::string provider; ///< slug
    std::string state;
    std::string nonce;
    std::string verifier;
    std::string back; ///< path to return to
    Timestamp expires{};
    std::optional<SessionId> session{}; ///< that links an identity; else it signs in
};

/// With fresh random state, nonce and verifier, 256 bits each.
Begun begin_attempt(
    std::string provider, std::string back, std::optional<SessionId> session, Timestamp now
);

/// For the cookie.
std::string seal_attempt(const crypto::Keystore& keys, const Begun& begun);

/// What a cookie holds, whatever became of the attempt. Errc::unauthenticated (sso_expired).
Result<Begun> read_attempt(const crypto::Keystore& keys, std::string_view cookie);

/// The attempt that a browser comes back with, when it is that of this provider and this state.
/// Errc::unauthenticated (sso_expired) for none, another, altered, or one that has run out.
Result<Begun> open_attempt(
    const crypto::Keystore& keys, std::string_view cookie, std::string_view provider,
    std::string_view state, Timestamp now
);

/// A path of our own, and nothing that a browser could take for another host's: "/" and letters,
/// digits and -._~/?&=%: without "//" in front.
bool is_own_path(std::string_view path);

} // namespace fairlead::sso
