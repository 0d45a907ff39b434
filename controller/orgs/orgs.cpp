#include "controller/orgs/orgs.hpp"

namespace fairlead::orgs {

#define FAIRLEAD_MEMBERSHIP                                                                        \
    "SELECT m.org_id, o.name AS org_name, o.slug AS org_slug, o.plan, m.role, m.owner"             \
    " FROM membership m JOIN org o ON o.id = m.org_id"

Result<Org> OrgRepo::get() {
    return store::present(
        db_.one<Org>(
            "SELECT id, name, slug, plan, created_ms AS created FROM org WHERE id = $1", org_
        ),
        "There is no such organization."
    );
}

Result<std::vector<Membership>> Memberships::of(const UserId& user) {
    return db_.all<Membership>(
        FAIRLEAD_MEMBERSHIP " WHERE m.user_id = $1 ORDER BY o.name, o.id LIMIT 1000", user
    );
}

Result<std::optional<Membership>> Memberships::find(const OrgId& org, const UserId& user) {
    return db_.one<Membership>(
        FAIRLEAD_MEMBERSHIP " WHERE m.org_id = $1 AND m.user_id = $2", org, user
    );
}

Result<> Memberships::add(
    const OrgId& org, const UserId& user, std::string_view role, bool owner, Timestamp now
) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO membership (org_id, user_id, role, owner, created_ms) VALUES ($1, $2, $3, $4, "
        "$5)",
        org, user, role, owner, now
    ));
    return {};
}

Result<> Memberships::remove(const OrgId& org, const UserId& user) {
    FAIRLEAD_CHECK(db_.run("DELETE FROM project_limit WHERE org_id = $1 AND holder = $2", org, user)
    );
    FAIRLEAD_CHECK(db_.run("DELETE FROM membership WHERE org_id = $1 AND user_id = $2", org, user));
    return {};
}

Result<Org> Memberships::create(std::string_view name, Plan plan, Timestamp now) {
    Org org{OrgId::make(now), std::string(name), slug_of(name), plan, now};
    FAIRLEAD_TRY(taken, db_.one<int>("SELECT 1 FROM org WHERE slug = $1", org.slug));
    if (taken) org.slug += "-" + slug_of(org.id.str().substr(org.id.str().size() - 6));
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO org (id, name, slug, plan, created_ms) VALUES ($1, $2, $3, $4, $5)", org.id,
        org.name, org.slug, org.plan, org.created
    ));
    return org;
}

Result<std::vector<OrgId>> Memberships::all() {
    return db_.all<OrgId>("SELECT id FROM org ORDER BY id");
}

std::string slug_of(std::string_view name) {
    std::string slug;
    for (char c : name) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (plain)
            slug.push_back(c);
        else if (!slug.empty() && slug.back() != '-')
            slug.push_back('-');
        if (slug.size() == 40) break;
    }
    while (!slug.empty() && slug.back() == '-') slug.pop_back();
    return slug.empty() ? "org" : slug;
}

} // namespace fairlead::orgs
