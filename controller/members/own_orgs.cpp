// POST /api/v1/orgs: whoever is signed in and has proven their address may make organizations.
#include "common/json/json.hpp"
#include "controller/access/users.hpp"
#include "controller/api/checks.hpp"
#include "controller/members/members.hpp"
#include "controller/orgs/orgs.hpp"

#include <fmt/core.h>

namespace fairlead::members {
namespace {

constexpr std::int64_t most_owned = 20;

struct NewOrg {
    std::string name;
    std::optional<std::string> slug;
};
BOOST_DESCRIBE_STRUCT(NewOrg, (), (name, slug))

/// The slug that was asked for, or one made from the name that is free.
Result<orgs::Org>
stored(store::Connection& db, const NewOrg& wanted, orgs::Plan plan, Timestamp now) {
    orgs::Memberships orgs(db);
    if (wanted.slug) return orgs.create(wanted.name, *wanted.slug, plan, now);
    auto base = orgs::slug_of(wanted.name);
    if (base.size() < 2 || base[0] < 'a') base = "org-" + base;
    base.resize(std::min<std::size_t>(base.size(), 35));
    while (base.ends_with('-')) base.pop_back();
    auto org = orgs.create(wanted.name, base, plan, now);
    for (int suffix = 2; !org && org.error().kind() == Errc::conflict && suffix < 1000; ++suffix)
        org = orgs.create(wanted.name, fmt::format("{}-{}", base, suffix), plan, now);
    return org;
}

} // namespace

Result<api::Response> create_org(const api::Call& call, const Parts& parts) {
    FAIRLEAD_TRY(wanted, call.body<NewOrg>());
    api::Checks checks;
    checks.length("name", wanted.name, 1, 80);
    if (wanted.slug) orgs::check_slug(checks, "slug", *wanted.slug);
    FAIRLEAD_CHECK(checks.result());
    return parts.store.write([&](store::UnitOfWork& unit) -> Result<api::Response> {
        const auto& who = call.principal();
        FAIRLEAD_TRY(user, access::UserRepo(unit.db()).find(who.user));
        if (!user || !user->verified)
            return fail(Error(
                            Errc::forbidden, "Prove your e-mail address first: the link is in the "
                                             "mail that you got when you registered."
            )
                            .with_code("email_not_verified"));
        orgs::Memberships memberships(unit.db());
        FAIRLEAD_TRY(owned, memberships.owned_by(who.user));
        if (owned >= most_owned)
            return api::conflict(
                "too_many_orgs",
                fmt::format(
                    "You own {} organizations, which is the most. Delete one, or hand one over.",
                    owned
                )
            );
        FAIRLEAD_TRY(org, stored(unit.db(), wanted, parts.plan_of_new, call.now()));
        FAIRLEAD_CHECK(memberships.add(org.id, who.user, "admin", true, call.now()));
        // The row was made a line above, with the caller as its owner.
        parts.audit.record(
            unit, api::ScopeIssuer::scope(org.id), call.actor(),
            api::Act{
                .action = "org.create",
                .target_type = "org",
                .target_id = org.id.str(),
                .target_name = org.name,
                .after =
                    boost::json::object{{"slug", org.slug}, {"plan", json::enum_name(org.plan)}}}
        );
        return api::answer(
            boost::json::object{
                {"id", org.id.str()},
                {"name", org.name},
                {"slug", org.slug},
                {"plan", json::enum_name(org.plan)},
                {"created_at", to_rfc3339(org.created)}},
            201
        );
    });
}

} // namespace fairlead::members
