#include "controller/members/role_repo.hpp"

#include "controller/api/change.hpp"
#include "controller/api/checks.hpp"
#include "controller/orgs/orgs.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::members {
namespace {

#define FAIRLEAD_ROLE                                                                              \
    "SELECT r.id, r.name, r.permissions, r.created_ms, (SELECT count(*) FROM membership m WHERE "  \
    "m.org_id = r.org_id AND m.role = r.id) AS members FROM role r WHERE r.org_id = $1"

} // namespace

bool is_built_in(std::string_view role) {
    return std::ranges::find(built_in_roles, role) != built_in_roles.end();
}

Result<Role> RoleRepo::get(const RoleId& id) {
    return store::present(
        db_.one<Role>(FAIRLEAD_ROLE " AND r.id = $2", org_, id), "There is no such role."
    );
}

Result<std::vector<Role>> RoleRepo::list() {
    return db_.all<Role>(FAIRLEAD_ROLE " ORDER BY r.name, r.id LIMIT 1000", org_);
}

Result<> RoleRepo::check_name(const Role& role) {
    FAIRLEAD_TRY(
        taken, db_.one<std::string>(
                   "SELECT name FROM role WHERE org_id = $1 AND lower(name) = lower($3) AND id <> "
                   "$2 LIMIT 1",
                   org_, role.id, role.name
               )
    );
    if (!taken) return {};
    return api::conflict(
        "name_in_use",
        fmt::format("There is a role called \"{}\" already. Choose another name.", *taken)
    );
}

Result<> RoleRepo::insert(const Role& role) {
    FAIRLEAD_CHECK(check_name(role));
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO role (id, org_id, name, permissions, created_ms) VALUES ($2, $1, $3, $4, $5)",
        org_, role.id, role.name, role.permissions, role.created_ms
    ));
    return {};
}

Result<> RoleRepo::update(const Role& role) {
    FAIRLEAD_CHECK(check_name(role));
    FAIRLEAD_CHECK(db_.run(
        "UPDATE role SET name = $3, permissions = $4 WHERE org_id = $1 AND id = $2", org_, role.id,
        role.name, role.permissions
    ));
    return {};
}

Result<> RoleRepo::remove(const RoleId& id) {
    FAIRLEAD_CHECK(db_.run("DELETE FROM role WHERE org_id = $1 AND id = $2", org_, id));
    return {};
}

Result<std::int64_t> RoleRepo::count() {
    FAIRLEAD_TRY(count, db_.one<std::int64_t>("SELECT count(*) FROM role WHERE org_id = $1", org_));
    return count.value_or(0);
}

Result<std::int64_t> RoleRepo::members(std::string_view role) {
    FAIRLEAD_TRY(
        count, db_.one<std::int64_t>(
                   "SELECT count(*) FROM membership WHERE org_id = $1 AND role = $2", org_, role
               )
    );
    return count.value_or(0);
}

Result<std::int64_t> RoleRepo::invitations(const RoleId& role, Timestamp now) {
    FAIRLEAD_TRY(
        count, db_.one<std::int64_t>(
                   "SELECT count(*) FROM invitation WHERE org_id = $1 AND role = $2 AND revoked_ms "
                   "IS NULL AND uses < max_uses AND expires_ms > $3",
                   org_, role, now
               )
    );
    return count.value_or(0);
}

Result<std::vector<UserId>> RoleRepo::holders(const RoleId& role) {
    return db_.all<UserId>(
        "SELECT user_id FROM membership WHERE org_id = $1 AND role = $2 ORDER BY user_id", org_,
        role
    );
}

Result<ChosenRole> RoleRepo::choose(std::string_view role, const orgs::Plans& plans) {
    if (is_built_in(role)) return ChosenRole{std::string(role), std::string(role), std::nullopt};
    std::optional<Role> found;
    if (auto id = RoleId::parse(role)) {
        FAIRLEAD_TRY(row, db_.one<Role>(FAIRLEAD_ROLE " AND r.id = $2", org_, *id));
        found = std::move(row);
    }
    if (!found) {
        api::Checks checks;
        checks.wrong(
            "role", "must be admin, developer, viewer, none, or the id of a role of the "
                    "organization's own"
        );
        FAIRLEAD_CHECK(checks.result());
    }
    auto scope_org = db_.one<orgs::Plan>("SELECT plan FROM org WHERE id = $1", org_);
    FAIRLEAD_TRY(plan, store::present(std::move(scope_org), "There is no such organization."));
    FAIRLEAD_CHECK(plans.require(plan, orgs::feature::custom_roles));
    return ChosenRole{found->id.str(), found->name, found->permissions};
}

} // namespace fairlead::members
