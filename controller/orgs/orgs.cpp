#include "controller/orgs/orgs.hpp"

#include <fmt/core.h>

namespace fairlead::orgs {
namespace {

tl::unexpected<Error> slug_in_use(std::string_view slug) {
    return api::conflict(
        "slug_in_use",
        fmt::format("The slug \"{}\" belongs to another organization. Choose another.", slug)
    );
}

} // namespace

#define FAIRLEAD_MEMBERSHIP                                                                        \
    "SELECT m.org_id, o.name AS org_name, o.slug AS org_slug, o.plan, m.role, m.owner"             \
    " FROM membership m JOIN org o ON o.id = m.org_id"

Result<Org> OrgRepo::get() {
    return store::present(
        db_.one<Org>(
            "SELECT id, name, slug, plan, created_ms AS created FROM org WHERE id = $1 AND "
            "deleted_ms IS NULL",
            org_
        ),
        "There is no such organization."
    );
}

Result<> OrgRepo::edit(std::string_view name, std::string_view slug) {
    auto done = db_.run("UPDATE org SET name = $2, slug = $3 WHERE id = $1", org_, name, slug);
    if (!done && done.error().kind() == Errc::conflict) return slug_in_use(slug);
    FAIRLEAD_CHECK(std::move(done));
    return {};
}

Result<> OrgRepo::set_plan(Plan plan) {
    FAIRLEAD_CHECK(db_.run("UPDATE org SET plan = $2 WHERE id = $1", org_, plan));
    return {};
}

Result<> OrgRepo::remove(Timestamp now) {
    FAIRLEAD_CHECK(db_.run("DELETE FROM project_limit WHERE org_id = $1", org_));
    FAIRLEAD_CHECK(db_.run("DELETE FROM invitation WHERE org_id = $1", org_));
    FAIRLEAD_CHECK(db_.run("DELETE FROM membership WHERE org_id = $1", org_));
    FAIRLEAD_CHECK(db_.run("DELETE FROM role WHERE org_id = $1", org_));
    FAIRLEAD_CHECK(db_.run("DELETE FROM org_setting WHERE org_id = $1", org_));
    FAIRLEAD_CHECK(db_.run("UPDATE org SET deleted_ms = $2, slug = $1 WHERE id = $1", org_, now));
    return {};
}

Result<std::int64_t> OrgRepo::members() {
    FAIRLEAD_TRY(
        count, db_.one<std::int64_t>("SELECT count(*) FROM membership WHERE org_id = $1", org_)
    );
    return count.value_or(0);
}

Result<std::int64_t> OrgRepo::seats(Timestamp now) {
    FAIRLEAD_TRY(there, members());
    FAIRLEAD_TRY(
        open, db_.one<std::int64_t>(
                  "SELECT coalesce(sum(max_uses - uses), 0) FROM invitation WHERE org_id = $1 AND "
                  "revoked_ms IS NULL AND expires_ms > $2",
                  org_, now
              )
    );
    return there + open.value_or(0);
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

Result<Org> Memberships::create(std::string_view name, Plan plan, Timestamp now) {
    auto slug = slug_of(name);
    FAIRLEAD_TRY(taken, db_.one<int>("SELECT 1 FROM org WHERE slug = $1", slug));
    if (taken) slug += "-" + slug_of(OrgId::make(now).str().substr(24));
    return create(name, slug, plan, now);
}

Result<Org>
Memberships::create(std::string_view name, std::string_view slug, Plan plan, Timestamp now) {
    Org org{OrgId::make(now), std::string(name), std::string(slug), plan, now};
    FAIRLEAD_TRY(
        done, db_.run(
                  "INSERT INTO org (id, name, slug, plan, created_ms) VALUES ($1, $2, $3, $4, $5)"
                  " ON CONFLICT DO NOTHING",
                  org.id, org.name, org.slug, org.plan, org.created
              )
    );
    if (done == 0) return slug_in_use(slug);
    return org;
}

Result<std::int64_t> Memberships::owned_by(const UserId& user) {
    FAIRLEAD_TRY(
        count,
        db_.one<std::int64_t>(
            "SELECT count(*) FROM membership m JOIN org o ON o.id = m.org_id WHERE m.user_id = $1 "
            "AND m.owner = 1",
            user
        )
    );
    return count.value_or(0);
}

Result<std::vector<OrgId>> Memberships::all() {
    return db_.all<OrgId>("SELECT id FROM org ORDER BY id");
}

Result<>
end_streams_of_all(store::UnitOfWork& unit, const api::OrgScope& scope, api::EventSink& events) {
    unit.after_commit([&events, bond = api::bond_of_visits(scope.org())] {
        events.end_streams(bond);
    });
    return unit.db().each<UserId>(
        [&](const UserId& member) {
            unit.after_commit([&events, bond = api::bond_of(scope.org(), member)] {
                events.end_streams(bond);
            });
        },
        "SELECT user_id FROM membership WHERE org_id = $1", scope.org()
    );
}

Result<> require_room(
    store::Connection& db, const api::OrgScope& scope, const Plans& plans, std::string_view what,
    std::int64_t count
) {
    FAIRLEAD_TRY(org, OrgRepo(db, scope).get());
    return plans.require_room(org.plan, what, count);
}

void check_slug(api::Checks& checks, std::string_view field, std::string_view slug) {
    bool fine =
        slug.size() >= 2 && slug.size() <= 40 && slug[0] >= 'a' && slug[0] <= 'z' &&
        !slug.ends_with('-') && slug.find("--") == std::string_view::npos &&
        slug.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
    checks.that(
        fine, field,
        "must be 2 to 40 of a-z, 0-9 and single dashes, from a letter to a letter or digit"
    );
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
