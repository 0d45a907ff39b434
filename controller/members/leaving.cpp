#include "controller/members/leaving.hpp"

#include "controller/members/invitation_repo.hpp"
#include "controller/members/view.hpp"
#include "controller/orgs/orgs.hpp"

namespace fairlead::members {

Result<> take_out(
    store::UnitOfWork& unit, const api::OrgScope& scope, const Parts& parts, const Member& member,
    Timestamp now
) {
    if (parts.unmail) {
        FAIRLEAD_TRY(made, InvitationRepo(unit.db(), scope).not_revoked(member.id));
        for (const auto& one : made)
            if (!one.email.empty()) FAIRLEAD_CHECK(parts.unmail(unit, one.id.str(), one.email));
    }
    FAIRLEAD_CHECK(MemberRepo(unit.db(), scope).remove(member, now));
    if (parts.left) FAIRLEAD_CHECK(parts.left(unit, scope, member.id));
    end_streams(unit, scope, member.id, parts.events);
    return {};
}

Result<>
take_out_of_all(store::UnitOfWork& unit, const Parts& parts, const UserId& user, Timestamp now) {
    FAIRLEAD_TRY(theirs, orgs::Memberships(unit.db()).of(user));
    for (const auto& membership : theirs) {
        auto scope = api::ScopeIssuer::scope(membership.org_id);
        FAIRLEAD_TRY(member, MemberRepo(unit.db(), scope).get(user));
        FAIRLEAD_CHECK(take_out(unit, scope, parts, member, now));
    }
    return {};
}

Result<api::Response> leave(const api::Call& call, const Parts& parts) {
    FAIRLEAD_TRY(org, call.path_id<OrgId>("org"));
    // The row that names both the organization and the caller is what lets them at it.
    auto scope = api::ScopeIssuer::scope(org);
    return parts.store.write([&](store::UnitOfWork& unit) -> Result<api::Response> {
        FAIRLEAD_TRY(member, MemberRepo(unit.db(), scope).find(call.principal().user));
        if (!member) return fail(Errc::not_found, "There is no such organization.");
        FAIRLEAD_CHECK(take_out(unit, scope, parts, *member, call.now()));
        auto act = act_on(*member, "member.leave");
        act.before = boost::json::object{{"role", member->role_name}, {"owner", member->owner}};
        parts.audit.record(unit, scope, call.actor(), std::move(act));
        return api::no_content();
    });
}

} // namespace fairlead::members
