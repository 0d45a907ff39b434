/// What people do with their own account: name, second factors, leaving.
#pragma once

#include "common/crypto/keystore.hpp"
#include "common/runtime/secret.hpp"
#include "common/store/store.hpp"
#include "controller/access/accounts.hpp"
#include "controller/access/second_factors.hpp"
#include "controller/access/sessions.hpp"
#include "controller/access/users.hpp"
#include "controller/api/page.hpp"
#include "controller/mail/outbox.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::access {

/// Thread-safe; opens its own transactions. All but view() and rename() are for routes that ask for
/// step-up.
class Account {
public:
    struct Parts {
        store::Store& store;
        Sessions& sessions;
        Accounts& accounts;
        const SecondFactors& factors;
        const crypto::Keystore& keys;
        const mail::Outbox& outbox;
    };
    explicit Account(Parts parts) : parts_(std::move(parts)) {}

    struct View {
        User user;
        std::optional<Timestamp> totp_since;
        std::vector<std::string> methods; ///< second factors, as a sign-in names them
        std::int64_t recovery_codes = 0;  ///< that are left
    };
    Result<View> view(const UserId& user);
    Result<> rename(const Caller& caller, const UserId& user, std::string_view name);

    /// The key for an authenticator app, which counts once a code confirms it. Errc::conflict
    /// (totp_enabled).
    Result<Secret> begin_totp(const Caller& caller, const UserId& user);
    struct Confirmed {
        std::vector<Secret> recovery_codes; ///< new ones where there were none, else empty
        Secret token;                       ///< the session has given its second factor
    };
    /// Errc::invalid (proof_wrong) for a wrong code, Errc::conflict (totp_enabled, totp_not_begun),
    /// Errc::rate_limited.
    Result<Confirmed>
    confirm_totp(const Caller& caller, const api::Principal& who, std::string_view code);
    /// Errc::not_found where there is none.
    Result<> remove_totp(const Caller& caller, const UserId& user);
    /// Errc::conflict (no_second_factor) where they would stand in for nothing.
    Result<std::vector<Secret>> new_recovery_codes(const Caller& caller, const UserId& user);

    /// Errc::conflict (sole_owner, last_operator): somebody else has to take over first.
    Result<> remove(const Caller& caller, const UserId& user);

    struct Pending {
        mail::Waiting mail;
        Secret link; ///< empty where letters go by mail
    };
    /// For an operator: letters that wait, newest first, one more than the page holds where there
    /// are. Written to the installation's log where links are shown.
    Result<std::vector<Pending>>
    pending(const Caller& caller, const UserId& user, const api::Page& page);

    /// What else belongs to a person and goes with the account: memberships, and what other parts
    /// keep. At start alone.
    using Departure = std::function<Result<>(store::UnitOfWork&, const UserId&)>;
    void on_remove(Departure departure) { departures_.push_back(std::move(departure)); }

private:
    Result<User> find(store::Connection& db, const UserId& user);

    Parts parts_;
    std::vector<Departure> departures_;
};

} // namespace fairlead::access
