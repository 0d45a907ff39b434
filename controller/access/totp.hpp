/// The authenticator app of each person: its key, sealed, and the last code that counted.
#pragma once

#include "common/crypto/keystore.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/id.hpp"
#include "common/runtime/secret.hpp"
#include "common/store/store.hpp"
#include "controller/api/sealed.hpp"

#include <optional>
#include <string_view>

namespace fairlead::access {

/// A key counts once a code of it was given: until then signing in does not ask for one.
class TotpRepo {
public:
    TotpRepo(store::Connection& db, const crypto::Keystore& keys) : db_(db), keys_(keys) {}

    /// Since when codes are asked for; nothing where they are not.
    Result<std::optional<Timestamp>> since(const UserId& user);
    /// A new key, in place of one that was not confirmed. Errc::conflict (totp_enabled).
    Result<Secret> begin(const UserId& user, Timestamp now);
    /// From now on codes are asked for. False for a wrong code. Errc::conflict (totp_enabled,
    /// totp_not_begun): also when an hour has passed since begin().
    Result<bool> confirm(const UserId& user, std::string_view code, Timestamp now);
    /// A good code is used up. False for a wrong one, and where there is no key that counts.
    Result<bool> check(const UserId& user, std::string_view code, Timestamp now);
    /// False when there was none.
    Result<bool> remove(const UserId& user);

private:
    store::Connection& db_;
    const crypto::Keystore& keys_;
};

/// The keys of all people.
Result<> visit_totp(store::Connection& db, const api::SealedVisitor& visit);

} // namespace fairlead::access
