#include "controller/access/support.hpp"

#include "common/json/json.hpp"
#include "controller/access/refused.hpp"

namespace fairlead::access {
namespace {

#define FAIRLEAD_SUPPORT                                                                           \
    "SELECT s.id, s.org_id, o.name AS org_name, s.reason, s.ticket, s.created_ms, s.created_by,"   \
    " s.created_by_email, s.expires_ms, s.ended_ms, s.used_ms FROM support_access s"               \
    " JOIN org o ON o.id = s.org_id"

} // namespace

Result<> SupportRepo::insert(const SupportAccess& access) {
    FAIRLEAD_CHECK(end(access.created_ms));
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM support_access WHERE org_id = $1 AND id NOT IN (SELECT id FROM support_access"
        " WHERE org_id = $1 ORDER BY id DESC LIMIT 99)",
        org_
    ));
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO support_access (id, org_id, reason, ticket, created_ms, created_by,"
        " created_by_email, expires_ms) VALUES ($2, $1, $3, $4, $5, $6, $7, $8)",
        org_, access.id, access.reason, access.ticket, access.created_ms, access.created_by,
        access.created_by_email, access.expires_ms
    ));
    return {};
}

Result<std::vector<SupportAccess>> SupportRepo::list(std::string_view below, std::int64_t limit) {
    return db_.all<SupportAccess>(
        FAIRLEAD_SUPPORT
        " WHERE s.org_id = $1 AND ($2 = '' OR s.id < $2) ORDER BY s.id DESC LIMIT $3",
        org_, below, limit
    );
}

Result<std::optional<SupportAccess>> SupportRepo::open(Timestamp now) {
    return db_.one<SupportAccess>(
        FAIRLEAD_SUPPORT " WHERE s.org_id = $1 AND s.ended_ms IS NULL AND s.expires_ms > $2"
                         " ORDER BY s.id DESC LIMIT 1",
        org_, now
    );
}

Result<> SupportRepo::end(Timestamp now) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE support_access SET ended_ms = $2 WHERE org_id = $1 AND ended_ms IS NULL"
        " AND expires_ms > $2",
        org_, now
    ));
    return {};
}

Result<> SupportRepo::used(const SupportId& id, Timestamp now) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE support_access SET used_ms = $3 WHERE org_id = $1 AND id = $2", org_, id, now
    ));
    return {};
}

Result<std::vector<SupportAccess>> Support::open(Timestamp now) {
    return parts_.store.read([&](store::Connection& db) {
        return db.all<SupportAccess>(
            FAIRLEAD_SUPPORT " WHERE s.ended_ms IS NULL AND s.expires_ms > $1 ORDER BY s.org_id"
                             " DESC LIMIT 1000",
            now
        );
    });
}

Result<boost::json::object> Support::metadata(store::Connection& db, const api::OrgScope& scope) {
    FAIRLEAD_TRY(org, orgs::OrgRepo(db, scope).get());
    orgs::Counts counts;
    for (const auto& add : parts_.counters) FAIRLEAD_CHECK(add(db, scope, counts));
    FAIRLEAD_TRY(
        members,
        db.one<std::int64_t>("SELECT count(*) FROM membership WHERE org_id = $1", scope.org())
    );
    FAIRLEAD_TRY(servers, parts_.servers(db, scope));
    FAIRLEAD_TRY(environments, parts_.environments(db, scope));
    return boost::json::object{
        {"id", org.id.str()},
        {"name", org.name},
        {"slug", org.slug},
        {"plan", json::enum_name(org.plan)},
        {"created_at", to_rfc3339(org.created)},
        {"members", members.value_or(0)},
        {"counts", json::to_value(counts)},
        {"servers", std::move(servers)},
        {"environments", std::move(environments)}};
}

Result<boost::json::object>
Support::look(const OrgId& org, const api::Actor& actor, Timestamp now) {
    // One transaction: what was seen and that it was seen.
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<boost::json::object> {
        auto scope = api::ScopeIssuer::scope(org);
        SupportRepo repo(unit.db(), scope);
        FAIRLEAD_TRY(access, repo.open(now));
        if (!access)
            return refused(
                "support_not_granted",
                "No owner of this organization lets support in at the moment. Ask one of them to "
                "grant it in the security settings."
            );
        FAIRLEAD_TRY(seen, metadata(unit.db(), scope));
        FAIRLEAD_CHECK(repo.used(access->id, now));
        auto who = actor;
        who.connect_session = access->id.str();
        api::Act act;
        act.action = "support.look";
        act.target_type = "org";
        act.target_id = org.str();
        act.target_name = access->org_name;
        act.after = {{"ticket", access->ticket}, {"reason", access->reason}};
        parts_.audit.record(unit, scope, who, act);
        parts_.audit.record(unit, api::ScopeIssuer::installation(), who, std::move(act));
        seen["support_access"] = to_json(*access, now);
        return seen;
    });
}

boost::json::object to_json(const SupportAccess& access, Timestamp now) {
    auto time = [](const std::optional<Timestamp>& at) -> boost::json::value {
        if (!at) return nullptr;
        return boost::json::value(to_rfc3339(*at));
    };
    bool open = !access.ended_ms && now < access.expires_ms;
    return {
        {"id", access.id.str()},
        {"status", open              ? "open"
                   : access.ended_ms ? "ended"
                                     : "expired"},
        {"reason", access.reason},
        {"ticket", access.ticket},
        {"created_at", to_rfc3339(access.created_ms)},
        {"created_by", {{"id", access.created_by.str()}, {"email", access.created_by_email}}},
        {"expires_at", to_rfc3339(access.expires_ms)},
        {"ended_at", time(access.ended_ms)},
        {"used_at", time(access.used_ms)}};
}

} // namespace fairlead::access
