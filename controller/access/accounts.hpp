/// Signing in and out, first run, passwords: what the session routes do.
#pragma once

#include "common/crypto/keystore.hpp"
#include "common/runtime/secret.hpp"
#include "common/store/store.hpp"
#include "controller/access/passwords.hpp"
#include "controller/access/second_factors.hpp"
#include "controller/access/sessions.hpp"
#include "controller/access/users.hpp"
#include "controller/api/audit_log.hpp"
#include "controller/api/principal.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fairlead::access {

/// Who asks, and from where; for the session's row and the audit log.
struct Caller {
    std::string address;
    std::string user_agent;
    std::string request_id;
    std::string cookie; ///< token of a session that the new one replaces
    Timestamp now;
};

/// For the audit log.
api::Actor actor_of(const Caller& caller, const User& user);

/// Who has proven one thing and must prove a second.
struct SecondStepAsked {
    Secret challenge;                 ///< stands for the sign-in, for five minutes
    std::vector<std::string> methods; ///< what may be given, of SecondFactors
};

/// In, or half way.
using SignIn = std::variant<OpenedSession, SecondStepAsked>;

/// Thread-safe; every function opens its own transactions and may hash passwords: worker threads
/// only.
class Accounts {
public:
    struct Parts {
        store::Store& store;
        Sessions& sessions;
        PasswordHasher& hasher;
        api::AuditLog& audit;
        const SecondFactors& factors;
        const crypto::Keystore& keys;
    };
    explicit Accounts(const Parts& parts) : parts_(parts) {}

    /// Errc::unauthenticated (sign_in_failed), whatever was wrong; Errc::forbidden
    /// (email_unverified), told only to whoever has the password; Errc::rate_limited.
    Result<SignIn> sign_in(const Caller& caller, std::string_view email, const Secret& password);

    struct LinkFacts {
        std::string email;
        Timestamp expires;
    };
    /// Errc::not_found (setup_link_invalid).
    Result<LinkFacts> look_at_link(std::string_view token, Timestamp now);
    /// Uses the link up: sets the password, ends the person's sessions, signs in. The address
    /// counts as theirs: whoever made the link vouches for it.
    Result<SignIn> set_up(
        const Caller& caller, std::string_view token, const Secret& password,
        const std::optional<std::string>& name
    );

    /// Ends all other sessions of the person. Errc::invalid (password_wrong), Errc::rate_limited.
    Result<> change_password(
        const Caller& caller, const api::Principal& who, const Secret& current, const Secret& chosen
    );

    Result<> sign_out(const Caller& caller, const api::Principal& who, const SessionId& session);

    /// Goes on with somebody who has proven one thing: lets them in, or asks for the second factor
    /// that the account has. A proof that counts as two lets in at once.
    Result<SignIn>
    proceed(store::UnitOfWork& unit, const Caller& caller, const User& user, const Proof& first);
    /// Uses up a challenge of proceed() whose second factor was given. Errc::not_found
    /// (challenge_invalid).
    Result<OpenedSession> complete(
        store::UnitOfWork& unit, const Caller& caller, const User& user, std::string_view challenge
    );
    /// Lets somebody in who has proven who they are: the entry in the log, and a session that
    /// replaces the caller's.
    Result<OpenedSession>
    enter(store::UnitOfWork& unit, const Caller& caller, const User& user, const Proof& proof);
    /// One entry in the log of each of the person's organizations; without any, in the
    /// installation's.
    Result<> record(
        store::UnitOfWork& unit, const Caller& caller, const User& user, std::string action,
        api::Act::Outcome outcome = api::Act::Outcome::ok,
        const std::optional<boost::json::object>& after = std::nullopt
    );
    /// What an operator does for all, in the installation's log alone.
    void record_of_installation(
        store::UnitOfWork& unit, const Caller& caller, const User& operator_, std::string action
    );

private:
    Result<> failed(const Caller& caller, const std::optional<User>& user, std::string action);

    Parts parts_;
};

} // namespace fairlead::access
