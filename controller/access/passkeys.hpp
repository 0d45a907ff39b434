/// What people do with their passkeys: make, name and remove them.
#pragma once

#include "common/runtime/secret.hpp"
#include "common/store/store.hpp"
#include "controller/access/account.hpp"
#include "controller/access/accounts.hpp"
#include "controller/access/passkey_ceremony.hpp"
#include "controller/access/second_factors.hpp"
#include "controller/api/principal.hpp"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::access {

/// Thread-safe; opens its own transactions: worker threads only. All but list() and rename() are
/// for routes that ask for step-up.
class Passkeys {
public:
    struct Parts {
        store::Store& store;
        Sessions& sessions;
        Accounts& accounts;
        const SecondFactors& factors;
        PasskeyCeremony& ceremony;
    };
    explicit Passkeys(const Parts& parts) : parts_(parts) {}

    struct Listed {
        std::vector<Passkey> passkeys;
        bool last_factor = false; ///< it is one, and no other second factor is beside it
    };
    Result<Listed> list(const UserId& user);

    /// What the browser is to be asked. Errc::conflict (too_many_passkeys).
    Result<boost::json::object> begin(const api::Principal& who, Timestamp now);
    struct Made {
        Passkey passkey;
        Secret token; ///< the session has given its second factor
    };
    /// Errc::conflict (passkey_known, too_many_passkeys), and errors as PasskeyCeremony has them;
    /// what is refused is in the audit log too.
    Result<Made>
    add(const Caller& caller, const api::Principal& who, std::string_view name,
        const boost::json::object& credential);

    /// Errc::not_found unless it is one of this person's.
    Result<Passkey>
    rename(const Caller& caller, const UserId& user, const PasskeyId& id, std::string_view name);
    /// The same. With the last second factor recovery codes go too.
    Result<> remove(const Caller& caller, const UserId& user, const PasskeyId& id);

private:
    Parts parts_;
};

/// At start: passkeys are second factors, and go with the account.
void join_passkeys(SecondFactors& factors, Account& account);

} // namespace fairlead::access
