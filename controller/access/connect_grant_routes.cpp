#include "common/json/json.hpp"
#include "controller/access/connect_routes.hpp"
#include "controller/access/permissions.hpp"
#include "controller/access/refused.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/routes.hpp"

#include <algorithm>
#include <chrono>

namespace fairlead::access {
namespace {

using api::Call;
using api::Change;
using api::Response;
using store::Connection;

constexpr std::int64_t most_open = 100;
constexpr std::uint64_t shortest_s = 3600;
constexpr std::uint64_t longest_s = 366 * 24 * 3600;

struct NewGrant {
    std::string agency;
    std::optional<std::string> role;
    std::optional<std::vector<std::string>> permissions;
    std::optional<std::vector<std::string>> projects;
    std::uint64_t expires_in_s = 0;
    std::optional<std::string> note;
};
BOOST_DESCRIBE_STRUCT(NewGrant, (), (agency, role, permissions, projects, expires_in_s, note))

Rights rights_of(const ConnectGrant& grant) {
    return granted(grant.role, grant.role_permissions, grant.permissions, grant.limited);
}

Result<boost::json::object>
to_json(ConnectRepo& repo, const ConnectGrant& grant, const OrgId& viewer, Timestamp now) {
    boost::json::array permissions;
    for (const auto& code : rights_of(grant)) permissions.emplace_back(code);
    boost::json::value projects = nullptr;
    if (grant.limited) {
        FAIRLEAD_TRY(ids, repo.projects(grant));
        auto& list = projects.emplace_array();
        for (const auto& id : ids) list.emplace_back(id.str());
    }
    boost::json::value role = nullptr;
    if (!grant.role.empty()) role = {{"id", grant.role}, {"name", grant.role_name}};
    boost::json::value revoked = nullptr;
    if (grant.revoked_ms) revoked = boost::json::value(to_rfc3339(*grant.revoked_ms));
    return boost::json::object{
        {"id", grant.id.str()},
        {"side", grant.org_id == viewer ? "given" : "received"},
        {"client", {{"id", grant.org_id.str()}, {"name", grant.org_name}}},
        {"agency", {{"id", grant.agency_id.str()}, {"name", grant.agency_name}}},
        {"role", std::move(role)},
        {"permissions", std::move(permissions)},
        {"projects", std::move(projects)},
        {"note", grant.note},
        {"status", grant.revoked_ms  ? "revoked"
                   : grant.open(now) ? "open"
                                     : "expired"},
        {"expires_at", to_rfc3339(grant.expires_ms)},
        {"created_at", to_rfc3339(grant.created_ms)},
        {"created_by", {{"id", grant.created_by.str()}, {"email", grant.created_by_email}}},
        {"revoked_at", std::move(revoked)}};
}

template <class Rows>
Result<Response> list(const Call& call, const ConnectRoutes& parts, Rows rows) {
    FAIRLEAD_TRY(page, api::Page::of(call));
    return parts.desk.store.read([&](Connection& db) -> Result<Response> {
        ConnectRepo repo(db, call.scope());
        FAIRLEAD_TRY(found, (repo.*rows)(page.after, page.limit + 1));
        boost::json::array items;
        for (const auto& grant : found) {
            FAIRLEAD_TRY(item, to_json(repo, grant, call.scope().org(), call.now()));
            items.push_back(std::move(item));
        }
        return api::page_of(std::move(items), page);
    });
}

Result<Response> given(const Call& call, const ConnectRoutes& parts) {
    return list(call, parts, &ConnectRepo::given);
}

Result<Response> received(const Call& call, const ConnectRoutes& parts) {
    return list(call, parts, &ConnectRepo::received);
}

Result<Response> get(const Call& call, const ConnectRoutes& parts) {
    FAIRLEAD_TRY(id, call.path_id<GrantId>("grant"));
    return parts.desk.store.read([&](Connection& db) -> Result<Response> {
        ConnectRepo repo(db, call.scope());
        FAIRLEAD_TRY(grant, repo.grant(id));
        FAIRLEAD_TRY(shown, to_json(repo, grant, call.scope().org(), call.now()));
        return api::answer(shown);
    });
}

/// The grant that was asked for, as far as it can be told without the store.
ConnectGrant grant_of(const Call& call, const NewGrant& wanted) {
    ConnectGrant grant;
    grant.id = GrantId::make(call.now());
    grant.org_id = call.scope().org();
    grant.role = wanted.role.value_or("");
    grant.limited = wanted.projects.has_value();
    grant.note = wanted.note.value_or("");
    grant.expires_ms = call.now() + std::chrono::seconds(wanted.expires_in_s);
    grant.created_ms = call.now();
    grant.created_by = call.principal().user;
    grant.created_by_email = call.principal().email;
    return grant;
}

Result<> name_agency(Connection& db, ConnectGrant& grant, const std::string& agency) {
    FAIRLEAD_TRY(named, org_named(db, agency));
    api::Checks checks;
    checks.that(
        named.has_value(), "agency",
        "\"" + agency + "\" is no organization here; it is its id or its short name"
    );
    checks.that(!named || named->id != grant.org_id, "agency", "is this organization itself");
    FAIRLEAD_CHECK(checks.result());
    grant.agency_id = named->id;
    grant.agency_name = named->name;
    return {};
}

Result<> name_role(Connection& db, ConnectGrant& grant, const api::OrgScope& scope) {
    if (grant.role.empty() || is_built_in_role(grant.role)) return {};
    FAIRLEAD_TRY(
        found,
        db.one<std::string>(
            "SELECT permissions FROM role WHERE org_id = $1 AND id = $2", scope.org(), grant.role
        )
    );
    api::Checks checks;
    checks.that(found.has_value(), "role", "\"" + grant.role + "\" is no role here");
    FAIRLEAD_CHECK(checks.result());
    grant.role_permissions = *std::move(found);
    return {};
}

Result<Response> create(const Call& call, const ConnectRoutes& parts) {
    FAIRLEAD_TRY(wanted, call.body<NewGrant>());
    api::Checks checks;
    checks.length("agency", wanted.agency, 1, 64);
    checks.length("note", wanted.note.value_or(""), 0, 500);
    checks.range("expires_in_s", wanted.expires_in_s, shortest_s, longest_s);
    checks.that(
        wanted.role.has_value() != wanted.permissions.has_value(), "role",
        "either a role or permissions must be given"
    );
    if (wanted.role) checks.length("role", *wanted.role, 1, 64);
    auto projects = projects_of(wanted.projects, checks);
    std::vector<std::string> codes;
    if (wanted.permissions) {
        codes = codes_of(*wanted.permissions, wanted.projects.has_value(), checks);
        for (const auto& code : codes)
            if (is_permission(code) && !connect_permissions().contains(code))
                checks.wrong("permissions", code + " is given to nobody from outside");
    }
    FAIRLEAD_CHECK(checks.result());
    auto grant = grant_of(call, wanted);
    grant.permissions = json::encode(codes);

    return api::change(call, parts.desk, [&](Change& change) -> Result<Response> {
        ConnectRepo repo(change.db(), change.scope());
        FAIRLEAD_TRY(count, repo.count_open(call.now()));
        FAIRLEAD_CHECK(
            api::check_room(count, most_open, "too_many_connect_grants", "Connect-As grants")
        );
        FAIRLEAD_CHECK(name_agency(change.db(), grant, wanted.agency));
        FAIRLEAD_CHECK(name_role(change.db(), grant, change.scope()));
        auto rights = rights_of(grant);
        FAIRLEAD_CHECK(not_above({rights.begin(), rights.end()}, call.principal()));
        FAIRLEAD_CHECK(all_known(parts.unknown_projects, change.db(), change.scope(), projects));
        FAIRLEAD_CHECK(repo.insert(grant));
        FAIRLEAD_CHECK(repo.limit_to(grant.id, projects));
        FAIRLEAD_TRY(stored, repo.grant(grant.id));
        FAIRLEAD_TRY(shown, to_json(repo, stored, change.scope().org(), call.now()));
        boost::json::object after;
        for (const char* name : {"agency", "role", "permissions", "projects", "expires_at", "note"})
            after.emplace(name, shown.at(name));
        api::Act act;
        act.action = "connect.grant";
        act.target_type = "connect_grant";
        act.target_id = grant.id.str();
        act.target_name = grant.agency_name;
        act.after = std::move(after);
        change.record(std::move(act));
        return api::answer(shown, 201);
    });
}

/// By the client; an agency declines what it was given in the same way.
Result<Response> revoke(const Call& call, const ConnectRoutes& parts) {
    FAIRLEAD_TRY(id, call.path_id<GrantId>("grant"));
    return api::change(call, parts.desk, [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(
            revoked,
            parts.connect.revoke(change.unit(), change.scope(), id, change.actor(), call.now())
        );
        if (!revoked) change.nothing_changed();
        return api::no_content();
    });
}

} // namespace

void add_connect_grant_routes(api::RouteTable& table, const ConnectRoutes& parts) {
    api::Routes routes(table, parts, "/api/v1/orgs/{org}/connect");
    routes.get("/grants", "connect.view", &given);
    routes.post("/grants", "connect.grant", &create, {.step_up = true});
    routes.get("/grants/{grant}", "connect.view", &get);
    routes.remove("/grants/{grant}", "connect.revoke", &revoke);
    routes.get("/received", "connect.use", &received);
}

} // namespace fairlead::access
