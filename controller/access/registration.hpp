/// How people come to an account, and back to one whose password they have forgotten: everything
/// that is proven by a mailed link.
#pragma once

#include "common/crypto/keystore.hpp"
#include "common/runtime/secret.hpp"
#include "common/store/store.hpp"
#include "controller/access/accounts.hpp"
#include "controller/access/letters.hpp"
#include "controller/access/sessions.hpp"
#include "controller/access/users.hpp"
#include "controller/mail/outbox.hpp"

#include <boost/describe.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::access {

/// Who may make an account: anybody, whoever was invited to an organization, or nobody.
BOOST_DEFINE_ENUM_CLASS(Openness, open, invitation, closed)

/// Thread-safe; opens its own transactions and hashes passwords: worker threads only.
///
/// Answers never tell whether an address is known: they are the same, take as long, and the waits
/// of an address count whether it is known or not.
class Registration {
public:
    struct Parts {
        store::Store& store;
        Sessions& sessions;
        PasswordHasher& hasher;
        Accounts& accounts;
        const crypto::Keystore& keys;
        api::AuditLog& audit;
        mail::Outbox& outbox;
        Letters letters;
        Openness openness = Openness::invitation;
    };
    explicit Registration(Parts parts) : parts_(std::move(parts)) {}

    Openness openness() const { return parts_.openness; }

    /// An account that can sign in once its address is confirmed. Errc::forbidden
    /// (registration_closed), Errc::invalid for a bad password, Errc::rate_limited.
    Result<> enter(
        const Caller& caller, std::string_view email, std::string_view name, const Secret& password
    );
    /// Another link for an address that waits to be confirmed. Errc::rate_limited.
    Result<> resend(const Caller& caller, std::string_view email);
    /// A link to choose a new password. Errc::rate_limited.
    Result<> forgot(const Caller& caller, std::string_view email);

    struct Verified {
        std::string email;
        bool changed = false; ///< it took the place of another address
    };
    /// Uses up a link for a new account or a new address. Errc::not_found (link_invalid),
    /// Errc::conflict (email_taken).
    Result<Verified> verify(const Caller& caller, std::string_view token);
    /// Uses up a link for a new password; all sessions of the person end. Errc::not_found
    /// (link_invalid), Errc::invalid.
    Result<> reset(const Caller& caller, std::string_view token, const Secret& password);
    /// Sends a link that makes `email` the person's address.
    Result<> change_email(const Caller& caller, const User& user, std::string_view email);

    /// An account for somebody whose address another proof (single sign-on) has confirmed; nothing
    /// unless registration is open. Errc::unavailable when too many wait.
    Result<std::optional<User>> welcome(
        store::UnitOfWork& unit, const Caller& caller, const std::string& email,
        const std::string& name
    );

    /// Forgets accounts whose address was not confirmed for a week.
    Result<> tidy(Timestamp now);

private:
    /// Errc::rate_limited; counts the attempt for the address and the account.
    Result<> count(
        store::UnitOfWork& unit, const Caller& caller, std::string_view purpose,
        std::string_view email
    );
    /// Sends a link of that kind; those sent before for the same are void.
    Result<> send_verification(store::UnitOfWork& unit, const User& user, Timestamp now);
    Result<> send_reset(store::UnitOfWork& unit, const User& user, Timestamp now);
    /// The address is theirs: the first time, an organization of their own comes with it.
    Result<> confirmed(store::UnitOfWork& unit, const Caller& caller, User& user);

    Parts parts_;
};

} // namespace fairlead::access
