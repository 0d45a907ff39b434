#include "controller/members/invitations.hpp"

#include "common/json/json.hpp"
#include "controller/members/handing_out.hpp"
#include "controller/members/member_repo.hpp"
#include "controller/members/role_repo.hpp"
#include "controller/orgs/orgs.hpp"
#include "controller/orgs/project_limits.hpp"

#include <fmt/core.h>

namespace fairlead::members {
namespace {

tl::unexpected<Error> refused(std::string code, std::string message) {
    return fail(Error(Errc::forbidden, std::move(message)).with_code(std::move(code)));
}

/// Projects that are still there. All of them gone leaves somebody who sees none.
Result<> limit(
    store::Connection& db, const api::OrgScope& scope, const UserId& user,
    const std::string& projects
) {
    orgs::ProjectLimits limits(db, scope);
    std::vector<std::string> there;
    for (auto& project : codes_in(projects)) {
        FAIRLEAD_TRY(
            found, db.one<std::int64_t>(
                       "SELECT 1 FROM project WHERE org_id = $1 AND id = $2", scope.org(), project
                   )
        );
        if (found) there.push_back(std::move(project));
    }
    FAIRLEAD_CHECK(limits.set(user.str(), there));
    return MemberRepo(db, scope).set_limited(user, true);
}

/// Whether whoever made it could make it now: an invitation gives nothing that its maker lost
/// since.
Result<bool> still_backed(
    store::Connection& db, const Parts& parts, const api::OrgScope& scope,
    const Invitation& invitation
) {
    FAIRLEAD_TRY(standing, orgs::standing_of(db, scope.org(), invitation.created_by));
    if (!standing) return false;
    auto rights = access::rights_of(
        *standing, parts.plans.has(standing->plan, orgs::feature::granular_permissions)
    );
    if (!rights->contains("invitations.create")) return false;
    FAIRLEAD_TRY(role, RoleRepo(db, scope).choose(invitation.role, parts.plans));
    orgs::Standing nobody, guest;
    nobody.role = "none";
    guest.role = role.id;
    guest.role_permissions = role.permissions;
    api::Principal maker;
    maker.permissions = std::move(rights);
    return may_hand_out(maker, gained(nobody, guest)).has_value();
}

} // namespace

Result<Invited> accept(
    store::UnitOfWork& unit, const Parts& parts, const access::User& user, const api::Actor& actor,
    std::string_view token, Timestamp now
) {
    FAIRLEAD_TRY(found, invited_by(unit.db(), token, now));
    const auto& invitation = found.invitation;
    if (!user.verified)
        return refused(
            "email_not_verified",
            "Prove your e-mail address first: the link is in the mail that you got when you "
            "registered."
        );
    if (!invitation.email.empty() && invitation.email != user.email)
        return refused(
            "invitation_for_another", fmt::format(
                                          "This invitation is for another address than {}. Sign in "
                                          "as whoever it was sent to.",
                                          user.email
                                      )
        );
    auto scope = api::ScopeIssuer::scope(found.org);
    FAIRLEAD_TRY(backed, still_backed(unit.db(), parts, scope, invitation));
    if (!backed) return invitation_invalid();
    orgs::OrgRepo org(unit.db(), scope);
    FAIRLEAD_TRY(there, MemberRepo(unit.db(), scope).find(user.id));
    if (there)
        return api::conflict("already_member", "You belong to \"" + found.org_name + "\" already.");
    FAIRLEAD_TRY(members, org.members());
    FAIRLEAD_CHECK(orgs::require_room(unit.db(), scope, parts.plans, "members", members));
    FAIRLEAD_TRY(used, InvitationRepo(unit.db(), scope).use(invitation.id, now));
    if (!used) return fail(Errc::conflict, "Somebody else used this invitation at the same time.");
    FAIRLEAD_CHECK(orgs::Memberships(unit.db()).add(found.org, user.id, invitation.role, false, now)
    );
    if (invitation.projects) FAIRLEAD_CHECK(limit(unit.db(), scope, user.id, *invitation.projects));
    api::Act act;
    act.action = "invitation.accept";
    act.target_type = "invitation";
    act.target_id = invitation.id.str();
    act.target_name = user.email;
    act.after = boost::json::object{
        {"role", invitation.role_name},
        {"projects", invitation.projects ? json::to_value(codes_in(*invitation.projects))
                                         : boost::json::value(nullptr)},
        {"invited_by", invitation.created_by_email}};
    parts.audit.record(unit, scope, actor, std::move(act));
    return found;
}

Result<Invited> accept_as(const api::Call& call, const Parts& parts, std::string_view token) {
    return parts.store.write([&](store::UnitOfWork& unit) -> Result<Invited> {
        auto found = access::UserRepo(unit.db()).find(call.principal().user);
        FAIRLEAD_TRY(user, store::present(std::move(found), "There is no such user."));
        return accept(unit, parts, user, call.actor(), token, call.now());
    });
}

Result<Invited> register_invited(
    const Parts& parts, api::Actor actor, std::string_view token, std::string_view name,
    const Secret& password, Timestamp now
) {
    if (!parts.may_register)
        return refused(
            "registration_closed",
            "Nobody can register here. Ask whoever runs this controller for an account."
        );
    // Looked at first: hashing a password for somebody without an invitation would be a gift.
    auto look = [&](store::Connection& db) -> Result<std::string> {
        FAIRLEAD_TRY(found, invited_by(db, token, now));
        if (found.invitation.email.empty())
            return api::conflict(
                "invitation_not_bound",
                "This invitation is for several people and proves nobody's address. Register, then "
                "open the link again."
            );
        // Whoever invites knows the other token: with it they could be anybody here.
        if (!found.by_letter)
            return api::conflict(
                "invitation_not_bound",
                "This link does not prove that " + found.invitation.email +
                    " is yours. Open the one in the mail that was sent there; or register, confirm "
                    "the address, then open this link again."
            );
        FAIRLEAD_TRY(known, access::UserRepo(db).by_email(found.invitation.email));
        // Whoever typed this address into a form before has not proven it; the invitation does.
        if (known && known->verified)
            return api::conflict(
                "account_exists",
                found.invitation.email + " has an account. Sign in, then open the link again."
            );
        return found.invitation.email;
    };
    FAIRLEAD_TRY(email, parts.store.read(look));
    FAIRLEAD_CHECK(access::check_new_password("password", password, email));
    FAIRLEAD_TRY(hash, parts.hasher.hash(password));
    return parts.store.write([&](store::UnitOfWork& unit) -> Result<Invited> {
        FAIRLEAD_CHECK(look(unit.db()));
        access::UserRepo users(unit.db());
        FAIRLEAD_TRY(known, users.by_email(email));
        if (!known) {
            FAIRLEAD_TRY(made, users.create(email, name, now));
            known = std::move(made);
        }
        auto& user = *known;
        FAIRLEAD_CHECK(users.set_name(user.id, name));
        FAIRLEAD_CHECK(parts.sessions.end_all(unit, user.id, std::nullopt));
        FAIRLEAD_CHECK(users.set_password(user.id, hash));
        FAIRLEAD_CHECK(
            unit.db().run("UPDATE app_user SET verified_ms = $2 WHERE id = $1", user.id, now)
        );
        user.verified = now;
        actor.kind = api::Actor::Kind::user;
        actor.id = user.id.str();
        actor.label = user.email;
        return accept(unit, parts, user, actor, token, now);
    });
}

} // namespace fairlead::members
