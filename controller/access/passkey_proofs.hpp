/// Proving who one is by a passkey: alone, after a password, or once more in a session.
#pragma once

#include "common/runtime/secret.hpp"
#include "common/store/store.hpp"
#include "controller/access/accounts.hpp"
#include "controller/access/passkey_ceremony.hpp"
#include "controller/access/second_step.hpp"
#include "controller/api/principal.hpp"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace fairlead::access {

/// Thread-safe; opens its own transactions: worker threads only. A refusal makes the address wait,
/// and is in the audit log of whose passkey it was. Beside the errors of PasskeyCeremony:
/// passkey_unknown where nobody, or somebody else, has that passkey.
class PasskeyProofs {
public:
    struct Parts {
        store::Store& store;
        Accounts& accounts;
        SecondStep& second_step;
        PasskeyCeremony& ceremony;
    };
    explicit PasskeyProofs(const Parts& parts) : parts_(parts) {}

    /// Without a password: the authenticator knows whose passkey it is, and has checked the person.
    boost::json::object begin_sign_in(Timestamp now) const;
    /// Errc::unauthenticated, Errc::rate_limited.
    Result<OpenedSession> sign_in(const Caller& caller, const boost::json::object& credential);

    /// After the password; `challenge` is that of the sign-in. Errors as SecondStep has them, and
    /// Errc::conflict (no_passkey) where the person has none.
    Result<boost::json::object> begin_second(const Caller& caller, std::string_view challenge);
    /// Errc::unauthenticated, Errc::not_found (challenge_invalid), Errc::rate_limited.
    Result<OpenedSession>
    second(const Caller& caller, std::string_view challenge, const boost::json::object& credential);

    /// In a session. Errc::conflict (no_passkey), Errc::rate_limited.
    Result<boost::json::object> begin_elevate(const Caller& caller, const api::Principal& who);
    /// Gives the session's new token.
    Result<Secret>
    elevate(const Caller& caller, const api::Principal& who, const boost::json::object& credential);

private:
    struct Claim {
        std::optional<Passkey> passkey{};
        std::optional<User> user{};
    };
    Result<Claim> claim(store::Connection& db, const PasskeyAnswer& answer);
    Result<PasskeyState> judge(
        std::string_view subject, const PasskeyAnswer& answer, const Claim& claim,
        UserVerification user, Timestamp now
    );
    Result<> note_copy(
        store::UnitOfWork& unit, const Caller& caller, const Claim& claim, const Error& error
    );

    Parts parts_;
};

} // namespace fairlead::access
