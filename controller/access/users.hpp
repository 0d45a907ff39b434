/// People who can sign in, and the one-time links with which they choose their password.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/id.hpp"
#include "common/runtime/secret.hpp"
#include "common/store/store.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::access {

struct User {
    UserId id;
    std::string email; ///< in lower case
    std::string name;
    std::string password_hash; ///< empty until one was chosen: then nobody can sign in
    Timestamp created;
    std::optional<Timestamp> verified; ///< when the address was proven to be theirs
    bool is_operator = false;          ///< looks after the installation: mail that waits, support
};
BOOST_DESCRIBE_STRUCT(User, (), (id, email, name, password_hash, created, verified, is_operator))

/// Lower case, without blanks around. Errc::invalid for what cannot be an address.
Result<std::string> normal_email(std::string_view text);

class UserRepo {
public:
    explicit UserRepo(store::Connection& db) : db_(db) {}

    /// Errc::conflict when the address is taken. `email` is normal.
    Result<User> create(std::string_view email, std::string_view name, Timestamp now);
    Result<std::optional<User>> find(const UserId& id);
    Result<std::optional<User>> by_email(std::string_view email);
    /// By address; `after` is the last one of the page before.
    Result<std::vector<User>> list(std::string_view after, std::int64_t limit);
    Result<> set_password(const UserId& id, std::string_view hash);
    Result<> set_name(const UserId& id, std::string_view name);
    /// The first time counts.
    Result<> set_verified(const UserId& id, Timestamp now);
    /// Errc::conflict when the address is taken. `email` is normal.
    Result<> set_email(const UserId& id, std::string_view email);
    /// With all that is theirs alone in `access`; sessions have been ended, memberships removed.
    Result<> remove(const UserId& id);

    /// A new link for this person; older ones stop working.
    Result<Secret> make_link(const UserId& id, Timestamp expires);
    struct Link {
        UserId user_id;
        Timestamp expires;
    };
    /// Errc::not_found (setup_link_invalid) for unknown, used and expired links.
    Result<Link> find_link(std::string_view token, Timestamp now);
    /// The same, and it is used up.
    Result<Link> take_link(std::string_view token, Timestamp now);

    static constexpr std::string_view link_prefix = "flo_";

private:
    store::Connection& db_;
};
BOOST_DESCRIBE_STRUCT(UserRepo::Link, (), (user_id, expires))

} // namespace fairlead::access
