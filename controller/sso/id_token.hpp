/// ID tokens: what an issuer signs about a person who signed in there (OpenID Connect Core 1.0
/// section 3.1.3.7, RFC 7519, RFC 7515).
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/result.hpp"
#include "controller/sso/jwks.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace fairlead::sso {

/// What a token must say to be one for us.
struct Expected {
    std::string issuer; ///< may hold Microsoft's {tenantid}, see issuer_fits
    std::string client_id;
    std::string nonce;
    Timestamp now{};
};

/// A token whose signature and claims were found good.
struct IdToken {
    std::string issuer;
    std::string subject;
    boost::json::object claims;
};

/// Everything is checked here, and nothing of a token is used before: an algorithm of the list, one
/// of the issuer's keys of that type and for that issuer, the signature, iss, aud, azp, exp, iat,
/// nbf, nonce, sub. Errc::not_found (unknown_key) where the keys may be too old;
/// Errc::unauthenticated, with the reason, otherwise.
Result<IdToken> check_id_token(std::string_view token, const Jwks& keys, const Expected& expected);

/// The same text, or, where `wanted` holds "{tenantid}", with a tenant's id (a GUID) in its place;
/// that must be `tenant`, the token's "tid".
bool issuer_fits(std::string_view wanted, std::string_view issuer, std::string_view tenant);

/// An id as Microsoft writes them, in lower case.
bool is_guid(std::string_view text);

/// How far the issuer's clock may be from ours.
inline constexpr std::chrono::seconds clock_skew{60};

} // namespace fairlead::sso
