/// The SQL of members of one organization.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"
#include "controller/orgs/standing.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::members {

struct Member {
    UserId id;
    std::string email;
    std::string name;
    Timestamp joined_ms;
    std::optional<Timestamp> last_seen_ms; ///< in a session that is still open
    std::string role;
    std::string role_name;
    std::optional<std::string> role_permissions;
    bool owner = false;
    bool limited = false;
    std::string granted = "[]";
    std::string withdrawn = "[]";
    bool connect_as = true;

    /// For rights_of: without what the organization asks of its members.
    orgs::Standing standing() const;
};
BOOST_DESCRIBE_STRUCT(
    Member, (),
    (id, email, name, joined_ms, last_seen_ms, role, role_name, role_permissions, owner, limited,
     granted, withdrawn, connect_as)
)

class MemberRepo {
public:
    MemberRepo(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}

    /// Errc::not_found.
    Result<Member> get(const UserId& user);
    Result<std::optional<Member>> find(const UserId& user);
    /// By e-mail; `after` is the id of the last one before. Errc::invalid (bad_cursor) when it is
    /// gone.
    Result<std::vector<Member>> list(std::string_view after, std::int64_t limit);

    /// The first `limit`, by e-mail.
    Result<std::vector<Member>> owners(std::int64_t limit);

    Result<> set_role(const UserId& user, std::string_view role);
    /// JSON lists of codes.
    Result<>
    set_adjustments(const UserId& user, std::string_view granted, std::string_view withdrawn);
    Result<> set_limited(const UserId& user, bool limited);
    Result<> set_connect_as(const UserId& user, bool allowed);
    Result<> make_owner(const UserId& user);
    /// Errc::conflict (last_owner).
    Result<> take_ownership(const UserId& user);
    /// With the limits, and the invitations that they made. Errc::conflict (last_owner).
    Result<> remove(const Member& member, Timestamp now);

private:
    store::Connection& db_;
    OrgId org_;
};

/// What a list of codes in a column says.
std::vector<std::string> codes_in(const std::string& column);

} // namespace fairlead::members
