/// Roles: the built-in ones, and the SQL of an organization's own.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"
#include "controller/orgs/plans.hpp"

#include <boost/describe.hpp>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::members {

/// "none" holds nothing: what somebody may do is granted to them one by one.
inline constexpr std::array<std::string_view, 4> built_in_roles{
    "admin", "developer", "viewer", "none"};
bool is_built_in(std::string_view role);

struct Role {
    RoleId id;
    std::string name;
    std::string permissions; ///< JSON list of codes
    Timestamp created_ms;
    std::int64_t members = 0;
};
BOOST_DESCRIBE_STRUCT(Role, (), (id, name, permissions, created_ms, members))

/// What a membership or an invitation says about its role.
struct ChosenRole {
    std::string id; ///< "admin", or that of a role of the organization's own
    std::string name;
    std::optional<std::string> permissions; ///< of one of its own
};

class RoleRepo {
public:
    RoleRepo(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}

    Result<Role> get(const RoleId& id);
    Result<std::vector<Role>> list();
    /// Errc::conflict (name_in_use), whatever the case of its letters.
    Result<> insert(const Role& role);
    Result<> update(const Role& role);
    Result<> remove(const RoleId& id);
    Result<std::int64_t> count();
    Result<std::int64_t> members(std::string_view role);
    /// That could still be accepted.
    Result<std::int64_t> invitations(const RoleId& role, Timestamp now);
    Result<std::vector<UserId>> holders(const RoleId& role);

    /// Errc::invalid (field "role") when there is no such role; Errc::forbidden (plan_required) for
    /// one of the organization's own where its plan has none.
    Result<ChosenRole> choose(std::string_view role, const orgs::Plans& plans);

    static constexpr std::int64_t most = 100;

private:
    Result<> check_name(const Role& role);

    store::Connection& db_;
    OrgId org_;
};

} // namespace fairlead::members
