/// Who somebody is at the providers, and so which account they come to.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/id.hpp"
#include "common/store/connection.hpp"
#include "controller/sso/protocol.hpp"

#include <boost/describe.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::sso {

struct Identity {
    IdentityId id;
    UserId user_id;
    std::string provider; ///< slug
    std::string issuer;
    std::string subject;
    std::string email; ///< what the provider called it last; for the person to know it by
    Timestamp created;
    Timestamp last_used;
};
BOOST_DESCRIBE_STRUCT(
    Identity, (), (id, user_id, provider, issuer, subject, email, created, last_used)
)

class IdentityRepo {
public:
    explicit IdentityRepo(store::Connection& db) : db_(db) {}

    Result<std::optional<Identity>> find(const Person& person);
    /// Oldest first.
    Result<std::vector<Identity>> of(const UserId& user);
    /// Errc::conflict (identity_taken) where it is somebody's, (identities_full) beyond `most`.
    Result<Identity>
    add(const UserId& user, std::string_view provider, const Person& person, Timestamp now);
    Result<> used(const IdentityId& id, const Person& person, Timestamp now);
    /// Errc::not_found unless it is one of this person's.
    Result<Identity> remove(const UserId& user, const IdentityId& id);

    /// True for the first who comes back with this state.
    Result<bool> first_use(std::string_view state, Timestamp expires);
    Result<> tidy(Timestamp now);

    static constexpr std::int64_t most = 20;

private:
    store::Connection& db_;
};

} // namespace fairlead::sso
