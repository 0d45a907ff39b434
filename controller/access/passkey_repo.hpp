/// The passkeys of people.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/id.hpp"
#include "common/store/connection.hpp"
#include "controller/access/webauthn.hpp"

#include <boost/describe.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::access {

struct Passkey {
    PasskeyId id;
    UserId user_id;
    std::string name;
    std::string credential_id; ///< base64url
    store::Blob public_key;    ///< COSE
    std::int64_t sign_count = 0;
    std::string aaguid;
    std::string transports;     ///< "hybrid internal", as the browser told
    bool user_verified = false; ///< it has checked its owner: it can sign in by itself
    bool backup_eligible = false;
    bool backed_up = false;
    Timestamp created;
    std::optional<Timestamp> last_used;

    std::vector<std::string> transport_list() const;
};
BOOST_DESCRIBE_STRUCT(
    Passkey, (),
    (id, user_id, name, credential_id, public_key, sign_count, aaguid, transports, user_verified,
     backup_eligible, backed_up, created, last_used)
)

class PasskeyRepo {
public:
    explicit PasskeyRepo(store::Connection& db) : db_(db) {}

    /// Oldest first.
    Result<std::vector<Passkey>> of(const UserId& user);
    /// Errc::not_found unless it is one of this person's.
    Result<Passkey> find(const UserId& user, const PasskeyId& id);
    /// Whoever's it is.
    Result<std::optional<Passkey>> by_credential(std::string_view credential_id);
    Result<std::int64_t> count(const UserId& user);

    /// Errc::conflict when somebody has that credential already.
    Result<> add(const Passkey& passkey);
    Result<> rename(const UserId& user, const PasskeyId& id, std::string_view name);
    /// Keeps what the authenticator said. Errc::conflict when it was used since `passkey` was read
    /// and counts its uses: one of the two is a copy.
    Result<> used(const Passkey& passkey, const PasskeyState& state, Timestamp now);
    Result<> remove(const UserId& user, const PasskeyId& id);
    Result<> remove_all(const UserId& user);

    static constexpr std::int64_t most_per_user = 20;

private:
    store::Connection& db_;
};

} // namespace fairlead::access
