#include "controller/api/routes.hpp"

#include "common/json/json.hpp"
#include "controller/api/change.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/query.hpp"
#include "controller/api/response.hpp"
#include "controller/orgs/orgs.hpp"
#include "controller/orgs/project_limits.hpp"

#include <fmt/core.h>

namespace fairlead::orgs {
namespace {

using api::Call;

constexpr std::string_view path = "/api/v1/orgs/{org}";

struct EditOrg {
    std::optional<std::string> name;
    std::optional<std::string> slug;
};
BOOST_DESCRIBE_STRUCT(EditOrg, (), (name, slug))

Result<Counts>
counts_of(store::Connection& db, const api::OrgScope& scope, const RouteParts& parts) {
    Counts counts;
    for (const auto& add : parts.counters) FAIRLEAD_CHECK(add(db, scope, counts));
    return counts;
}

Result<api::Response> shown(store::Connection& db, const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(org, OrgRepo(db, call.scope()).get());
    FAIRLEAD_TRY(counts, counts_of(db, call.scope(), parts));
    return api::answer({
        {"id", org.id.str()},
        {"name", org.name},
        {"slug", org.slug},
        {"plan", json::enum_name(org.plan)},
        {"created_at", to_rfc3339(org.created)},
        {"counts", json::to_value(counts)},
    });
}

Result<api::Response> get(const Call& call, const RouteParts& parts) {
    return parts.store.read([&](store::Connection& db) { return shown(db, call, parts); });
}

Result<api::Response> edit(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(wanted, call.body<EditOrg>());
    api::Checks checks;
    checks.that(wanted.name || wanted.slug, "(document)", "must change something");
    if (wanted.name) checks.length("name", *wanted.name, 1, 80);
    if (wanted.slug) check_slug(checks, "slug", *wanted.slug);
    FAIRLEAD_CHECK(checks.result());
    return api::change(call, parts.desk(), [&](api::Change& change) -> Result<api::Response> {
        OrgRepo repo(change.db(), change.scope());
        FAIRLEAD_TRY(before, repo.get());
        auto after = before;
        if (wanted.name) after.name = *wanted.name;
        if (wanted.slug) after.slug = *wanted.slug;
        FAIRLEAD_CHECK(repo.edit(after.name, after.slug));
        auto facts = [](const Org& org) {
            return boost::json::object{{"name", org.name}, {"slug", org.slug}};
        };
        change.record("org.edit", "org", after, facts(after), facts(before));
        return shown(change.db(), call, parts);
    });
}

Result<api::Response> remove(const Call& call, const RouteParts& parts) {
    return api::change(call, parts.desk(), [&](api::Change& change) -> Result<api::Response> {
        OrgRepo repo(change.db(), change.scope());
        FAIRLEAD_TRY(org, repo.get());
        FAIRLEAD_CHECK(call.confirmed(org.name));
        FAIRLEAD_TRY(counts, counts_of(change.db(), change.scope(), parts));
        if (counts.environments > 0)
            return api::conflict(
                "org_in_use", fmt::format(
                                  "The organization has {} environments. Delete them first: that "
                                  "also takes them off their servers.",
                                  counts.environments
                              )
            );
        if (counts.servers > 0)
            return api::conflict(
                "org_in_use", fmt::format(
                                  "The organization has {} servers. Revoke them first: nobody "
                                  "could do it afterwards.",
                                  counts.servers
                              )
            );
        FAIRLEAD_CHECK(end_streams_of_all(change.unit(), change.scope(), parts.events));
        for (const auto& erase : parts.erasers) FAIRLEAD_CHECK(erase(change.db(), change.scope()));
        FAIRLEAD_CHECK(repo.remove(call.now()));
        change.record("org.delete", "org", org, {}, boost::json::object{{"slug", org.slug}});
        return api::no_content();
    });
}

Result<api::Response> watch(const Call& call, const RouteParts& parts) {
    const auto& events = parts.events;
    FAIRLEAD_TRY(seen, api::last_event_id(call));
    api::EventStream stream;
    stream.org = call.scope().org();
    stream.bonds = call.principal().bonds();
    stream.lasts = call.principal().lasts(call.now());
    if (const auto& held = call.principal().permissions) stream.permissions = *held;
    if (const auto& holder = call.scope().limit(); !holder.empty()) {
        FAIRLEAD_TRY(projects, parts.store.read([&](store::Connection& db) {
            return ProjectLimits(db, call.scope()).of(holder);
        }));
        stream.projects.emplace(projects.begin(), projects.end());
    }
    stream.after = events.position();
    if (seen && events.can_resume(*seen))
        stream.after = seen;
    else if (seen)
        stream.first = fmt::format("id: {}\nevent: reset\ndata: {{}}\n\n", *stream.after);
    api::Response response;
    response.content_type = "text/event-stream";
    response.events = std::move(stream);
    return response;
}

} // namespace

void add_plan_routes(api::RouteTable& table, const RouteParts& parts);

void add_org_routes(api::RouteTable& table, const RouteParts& parts) {
    api::Routes routes(table, parts, std::string(path));
    routes.get("", "org.view", &get);
    routes.patch("", "org.edit", &edit);
    routes.remove("", api::owners_alone, &remove, {.step_up = true});
    routes.get("/events", "org.view", &watch);
    add_plan_routes(table, parts);
}

} // namespace fairlead::orgs
