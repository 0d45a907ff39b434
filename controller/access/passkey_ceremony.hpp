/// Asking a browser for a passkey, and judging what it gives.
#pragma once

#include "common/crypto/challenge.hpp"
#include "common/runtime/clock.hpp"
#include "controller/access/passkey_repo.hpp"
#include "controller/access/users.hpp"
#include "controller/access/webauthn.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <string_view>
#include <vector>

namespace fairlead::access {

/// Thread-safe. `subject` says who asked and what for, such as "register/ses_01…": an answer counts
/// for the subject that it was asked of, once, within five minutes, and never after a restart.
class PasskeyCeremony {
public:
    explicit PasskeyCeremony(RelyingParty site) : webauthn_(std::move(site)) {}

    /// For PublicKeyCredential.parseCreationOptionsFromJSON(). `others` are left out: the person
    /// has them already.
    boost::json::object creation_options(
        std::string_view subject, const User& user, const std::vector<Passkey>& others,
        Timestamp now
    ) const;
    /// For PublicKeyCredential.parseRequestOptionsFromJSON(). None allowed: any that the
    /// authenticator finds by itself.
    boost::json::object request_options(
        std::string_view subject, const std::vector<Passkey>& allowed, UserVerification user,
        Timestamp now
    ) const;

    /// Errors as WebAuthn has them, and Errc::not_found (challenge_invalid).
    Result<NewPasskey>
    registered(std::string_view subject, const PasskeyOffer& offer, Timestamp now);
    Result<PasskeyState> used(
        std::string_view subject, const PasskeyAnswer& answer, const Passkey& passkey,
        UserVerification user, Timestamp now
    );

private:
    WebAuthn webauthn_;
    crypto::Challenges challenges_{std::chrono::minutes(5), 100'000};
};

} // namespace fairlead::access
