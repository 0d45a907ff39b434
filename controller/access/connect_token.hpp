/// The token of a Connect-As session: what it says, and the signature that nobody else can make.
#pragma once

#include "common/crypto/keystore.hpp"
#include "common/crypto/sign.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/id.hpp"
#include "common/runtime/result.hpp"
#include "common/runtime/secret.hpp"
#include "common/store/store.hpp"
#include "controller/api/sealed.hpp"

#include <string_view>

namespace fairlead::access {

/// Where it travels: a header, or a cookie for what cannot set one (EventSource).
inline constexpr std::string_view connect_header = "x-fairlead-connect";
inline constexpr std::string_view connect_cookie = "__Host-fairlead-connect";

/// A token is worth nothing without the browser session that it was made in.
struct ConnectClaims {
    ConnectId connect;
    UserId user;
    SessionId session; ///< of the user, in the browser
    OrgId agency;      ///< where the user is a member
    OrgId client;      ///< where they work
    GrantId grant;
    Timestamp expires;
};

/// "flc_", the claims and an Ed25519 signature over both. Thread-safe.
class ConnectTokens {
public:
    /// Makes the key at the first start; it is sealed in a row of its own. Throws when it does not
    /// open with this master key.
    ConnectTokens(store::Store& store, const crypto::Keystore& keys);

    Secret sign(const ConnectClaims& claims) const;
    /// Errc::unauthenticated (connect_invalid) for everything that we did not sign. Says nothing of
    /// whether it still counts.
    Result<ConnectClaims> verify(std::string_view token) const;

private:
    crypto::SigningKey key_;
    crypto::VerifyKey verifier_;
};

/// The key that signs them.
Result<> visit_sealed_connect_key(store::Connection& db, const api::SealedVisitor& visit);

} // namespace fairlead::access
