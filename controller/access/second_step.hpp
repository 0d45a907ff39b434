/// The second half of a sign-in, and proving oneself once more in a session (step-up).
#pragma once

#include "common/crypto/keystore.hpp"
#include "common/runtime/secret.hpp"
#include "common/store/store.hpp"
#include "controller/access/accounts.hpp"
#include "controller/access/second_factors.hpp"
#include "controller/access/sessions.hpp"
#include "controller/access/users.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace fairlead::access {

/// Thread-safe; worker threads only.
///
/// Whoever proves a second factor in another way (a passkey) does it in four steps: `waiting` says
/// whose sign-in the token is, the subject checks its proof, `finish` signs in or `failed` counts
/// the failure, each inside the subject's own transaction.
class SecondStep {
public:
    struct Parts {
        store::Store& store;
        Sessions& sessions;
        PasswordHasher& hasher;
        Accounts& accounts;
        const SecondFactors& factors;
        const crypto::Keystore& keys;
    };
    explicit SecondStep(const Parts& parts) : parts_(parts) {}

    /// One of the three; the others are empty.
    struct Answer {
        std::string code; ///< of the authenticator app
        std::string recovery_code;
        Secret password;
    };

    /// Completes a sign-in. Errc::unauthenticated (second_factor_wrong), Errc::rate_limited,
    /// Errc::not_found (challenge_invalid): used, run out, or five wrong codes.
    Result<OpenedSession>
    sign_in(const Caller& caller, std::string_view challenge, const Answer& answer);

    /// Elevates the caller's session, which gets a new token. The password counts only where the
    /// account has no second factor. Errc::invalid (proof_wrong, or second_factor_needed for a
    /// password that is not enough), Errc::rate_limited.
    Result<Secret> elevate(const Caller& caller, const api::Principal& who, const Answer& answer);

    /// Whose sign-in it is. Errc::not_found (challenge_invalid), Errc::rate_limited.
    Result<User>
    waiting(store::Connection& db, const Caller& caller, std::string_view challenge) const;
    /// The second factor was right: the challenge is used up and the person is in.
    Result<OpenedSession>
    finish(store::UnitOfWork& unit, const Caller& caller, std::string_view challenge);
    /// It was wrong: the person and the address wait a little longer, the challenge has one attempt
    /// less.
    Result<> failed(
        store::UnitOfWork& unit, const Caller& caller, const User& user, std::string_view challenge
    );

    /// The same for step-up: `may_try` before the proof, then one of the others.
    Result<User>
    may_try(store::Connection& db, const Caller& caller, const api::Principal& who) const;
    Result<Secret> elevated(
        store::UnitOfWork& unit, const Caller& caller, const api::Principal& who, const User& user,
        bool second_factor
    );
    Result<> not_elevated(store::UnitOfWork& unit, const Caller& caller, const User& user);

    /// Kind of the challenge of a sign-in.
    static constexpr std::string_view kind = "second_factor";

private:
    Result<bool>
    right(store::UnitOfWork& unit, const UserId& user, const Answer& answer, Timestamp now);
    Result<> wait_longer(store::UnitOfWork& unit, const Caller& caller, const User& user);
    Result<Secret>
    elevate_by_password(const Caller& caller, const api::Principal& who, const Secret& password);

    Parts parts_;
};

} // namespace fairlead::access
