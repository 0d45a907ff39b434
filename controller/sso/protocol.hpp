/// One way to have a person sign in elsewhere: the authorization code of OAuth 2 with PKCE (RFC
/// 6749, RFC 7636).
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/secret.hpp"
#include "controller/sso/outside.hpp"
#include "controller/sso/provider.hpp"

#include <memory>
#include <optional>
#include <string>

namespace fairlead::sso {

/// What belongs to one attempt alone.
struct Attempt {
    std::string redirect_uri;
    std::string state;
    std::string nonce;
    std::string verifier; ///< of PKCE
};

/// What came back in the browser.
struct Returned {
    std::string code;
    std::optional<std::string> issuer; ///< "iss" of RFC 9207
};

/// Whom a provider says it was.
struct Person {
    std::string issuer{};
    std::string subject{};
    std::string email{}; ///< as the provider writes it, may be empty
    bool email_verified = false;
    std::string name{}; ///< may be empty
};

/// Thread-safe. Errors: Errc::unavailable and Errc::timeout where the provider is away;
/// Errc::invalid where what it publishes or answers is no such thing; Errc::unauthenticated where
/// it or we refuse the proof; Errc::forbidden (code sso_misconfigured) where it does not know us.
class Protocol {
public:
    virtual ~Protocol() = default;

    /// Where to send the browser.
    virtual Result<std::string> begin(const Attempt& attempt, Timestamp now) = 0;
    /// Trades the code for what the provider knows. No token of the provider's is kept.
    virtual Result<Person>
    finish(const Attempt& attempt, const Returned& returned, Timestamp now) = 0;
};

/// `provider` outlives it.
std::unique_ptr<Protocol> make_protocol(const Provider& provider, Fetch fetch);

} // namespace fairlead::sso
