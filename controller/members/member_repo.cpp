#include "controller/members/member_repo.hpp"

#include "common/json/json.hpp"
#include "controller/api/change.hpp"

namespace fairlead::members {
namespace {

// Sessions are known by person: the newest of somebody is at the end of its index.
#define FAIRLEAD_MEMBER                                                                            \
    "SELECT u.id, u.email, u.name, m.created_ms AS joined_ms, (SELECT max(s.last_used_ms) FROM "   \
    "session s WHERE s.user_id = u.id) AS last_seen_ms, m.role, coalesce(r.name, m.role) AS "      \
    "role_name, r.permissions AS role_permissions, m.owner, m.limited, m.granted, m.withdrawn, "   \
    "m.connect_as FROM membership m JOIN app_user u ON u.id = m.user_id LEFT JOIN role r ON r.id " \
    "= m.role AND r.org_id = m.org_id WHERE m.org_id = $1"

tl::unexpected<Error> last_owner() {
    return api::conflict(
        "last_owner", "This is the only owner, and an organization always has one. Make another "
                      "member an owner first."
    );
}

} // namespace

orgs::Standing Member::standing() const {
    orgs::Standing standing;
    standing.role = role;
    standing.role_name = role_name;
    standing.role_permissions = role_permissions;
    standing.owner = owner;
    standing.limited = limited;
    standing.granted = granted;
    standing.withdrawn = withdrawn;
    standing.connect_as = connect_as;
    return standing;
}

Result<std::optional<Member>> MemberRepo::find(const UserId& user) {
    return db_.one<Member>(FAIRLEAD_MEMBER " AND m.user_id = $2", org_, user);
}

Result<Member> MemberRepo::get(const UserId& user) {
    return store::present(find(user), "There is no such member.");
}

Result<std::vector<Member>> MemberRepo::list(std::string_view after, std::int64_t limit) {
    std::string email;
    if (!after.empty()) {
        FAIRLEAD_TRY(
            found, db_.one<std::string>(
                       "SELECT u.email FROM membership m JOIN app_user u ON u.id = m.user_id WHERE "
                       "m.org_id = $1 AND m.user_id = $2",
                       org_, after
                   )
        );
        if (!found)
            return fail(Error(
                            Errc::invalid,
                            "The member that the cursor names is gone. Start again without it."
            )
                            .with_code("bad_cursor"));
        email = *found;
    }
    return db_.all<Member>(
        FAIRLEAD_MEMBER " AND u.email > $2 ORDER BY u.email LIMIT $3", org_, email, limit
    );
}

Result<std::vector<Member>> MemberRepo::owners(std::int64_t limit) {
    return db_.all<Member>(
        FAIRLEAD_MEMBER " AND m.owner = 1 ORDER BY u.email LIMIT $2", org_, limit
    );
}

Result<> MemberRepo::set_role(const UserId& user, std::string_view role) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE membership SET role = $3 WHERE org_id = $1 AND user_id = $2", org_, user, role
    ));
    return {};
}

Result<> MemberRepo::set_adjustments(
    const UserId& user, std::string_view granted, std::string_view withdrawn
) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE membership SET granted = $3, withdrawn = $4 WHERE org_id = $1 AND user_id = $2",
        org_, user, granted, withdrawn
    ));
    return {};
}

Result<> MemberRepo::set_limited(const UserId& user, bool limited) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE membership SET limited = $3 WHERE org_id = $1 AND user_id = $2", org_, user, limited
    ));
    return {};
}

Result<> MemberRepo::set_connect_as(const UserId& user, bool allowed) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE membership SET connect_as = $3 WHERE org_id = $1 AND user_id = $2", org_, user,
        allowed
    ));
    return {};
}

Result<> MemberRepo::make_owner(const UserId& user) {
    FAIRLEAD_CHECK(
        db_.run("UPDATE membership SET owner = 1 WHERE org_id = $1 AND user_id = $2", org_, user)
    );
    return {};
}

// The statement itself counts, so that two owners who let go of each other at the same moment do
// not both succeed.
Result<> MemberRepo::take_ownership(const UserId& user) {
    FAIRLEAD_TRY(
        done, db_.run(
                  "UPDATE membership SET owner = 0 WHERE org_id = $1 AND user_id = $2 AND (SELECT "
                  "count(*) FROM membership WHERE org_id = $1 AND owner = 1) > 1",
                  org_, user
              )
    );
    if (done == 0) return last_owner();
    return {};
}

Result<> MemberRepo::remove(const Member& member, Timestamp now) {
    if (member.owner) FAIRLEAD_CHECK(take_ownership(member.id));
    FAIRLEAD_CHECK(
        db_.run("DELETE FROM membership WHERE org_id = $1 AND user_id = $2", org_, member.id)
    );
    FAIRLEAD_CHECK(
        db_.run("DELETE FROM project_limit WHERE org_id = $1 AND holder = $2", org_, member.id)
    );
    // Otherwise they could come back by a link that they made themselves.
    FAIRLEAD_CHECK(db_.run(
        "UPDATE invitation SET revoked_ms = $3 WHERE org_id = $1 AND created_by = $2 AND "
        "revoked_ms IS NULL",
        org_, member.id, now
    ));
    return {};
}

std::vector<std::string> codes_in(const std::string& column) {
    return json::decode<std::vector<std::string>>(column, json::Strictness::lenient)
        .value_or(std::vector<std::string>());
}

} // namespace fairlead::members
