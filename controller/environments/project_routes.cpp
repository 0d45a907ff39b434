#include "common/json/json.hpp"
#include "controller/api/change.hpp"
#include "controller/api/routes.hpp"
#include "controller/environments/project_repo.hpp"
#include "controller/environments/routes.hpp"
#include "controller/environments/view.hpp"
#include "controller/orgs/orgs.hpp"
#include "controller/orgs/project_limits.hpp"

#include <fmt/core.h>

#include <set>

namespace fairlead::environments {
namespace {

using api::Call;
using api::Change;
using api::Response;
using store::Connection;

constexpr std::int64_t max_projects = 2000;

struct NewProject {
    std::string name;
    std::optional<std::string> slug;
    std::string odoo_version;
    OdooSource odoo_source;
    std::optional<std::vector<AddonRepository>> addons;
};
BOOST_DESCRIBE_STRUCT(NewProject, (), (name, slug, odoo_version, odoo_source, addons))

struct EditProject {
    std::optional<std::string> name;
    std::optional<std::string> odoo_version;
    std::optional<OdooSource> odoo_source;
    std::optional<std::vector<AddonRepository>> addons;
};
BOOST_DESCRIBE_STRUCT(EditProject, (), (name, odoo_version, odoo_source, addons))

void check_addons(
    api::Checks& checks, const std::vector<AddonRepository>& addons, GitTransports transports
) {
    checks.that(addons.size() <= 50, "addons", "must be at most 50 repositories");
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < addons.size() && i < 50; ++i) {
        const auto& addon = addons[i];
        auto field = fmt::format("addons[{}]", i);
        check_addon_name(checks, field + ".name", addon.name);
        checks.that(
            names.insert(addon.name).second, field + ".name",
            fmt::format("is \"{}\", which is there twice", addon.name)
        );
        check_git_url(checks, field + ".url", addon.url, transports);
        check_branch(checks, field + ".branch", addon.branch);
        if (!addon.branch_by_type) continue;
        auto by_type = field + ".branch_by_type";
        if (addon.branch_by_type->development)
            check_branch(checks, by_type + ".development", *addon.branch_by_type->development);
        if (addon.branch_by_type->staging)
            check_branch(checks, by_type + ".staging", *addon.branch_by_type->staging);
        if (addon.branch_by_type->production)
            check_branch(checks, by_type + ".production", *addon.branch_by_type->production);
    }
}

void check_source(api::Checks& checks, const OdooSource& source, GitTransports transports) {
    check_git_url(checks, "odoo_source.url", source.url, transports);
    check_branch(checks, "odoo_source.branch", source.branch);
}

boost::json::object audit_facts(const Project& p) {
    return {
        {"name", p.name},
        {"odoo_version", p.odoo_version},
        {"odoo_source", boost::json::parse(p.odoo_source)},
        {"addons", boost::json::parse(p.addons)}};
}

Result<Response> list(const Call& call, Environments& environments) {
    return api::list_page(call, environments.parts().store, [&](Connection& db, const auto& page) {
        return ProjectRepo(db, call.scope()).list(page.after, page.limit + 1);
    });
}

Result<Response> get(const Call& call, Environments& environments) {
    FAIRLEAD_TRY(id, call.path_id<ProjectId>("project"));
    return environments.parts().store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(row, ProjectRepo(db, call.scope()).get(id));
        return api::answer(to_json(row));
    });
}

Result<Response> create(const Call& call, Environments& environments) {
    const auto& parts = environments.parts();
    FAIRLEAD_TRY(wanted, call.body<NewProject>());
    auto addons = wanted.addons.value_or(std::vector<AddonRepository>());
    api::Checks checks;
    check_name(checks, "name", wanted.name);
    if (wanted.slug) check_slug(checks, "slug", *wanted.slug, 40);
    check_odoo_version(checks, "odoo_version", wanted.odoo_version);
    check_source(checks, wanted.odoo_source, parts.transports);
    check_addons(checks, addons, parts.transports);
    FAIRLEAD_CHECK(checks.result());

    Project row;
    row.id = ProjectId::make(call.now());
    row.name = wanted.name;
    row.odoo_version = wanted.odoo_version;
    row.odoo_source = json::encode(wanted.odoo_source);
    row.addons = json::encode(addons);
    row.created_ms = call.now();
    return api::change(call, environments.desk(), [&](Change& change) -> Result<Response> {
        ProjectRepo repo(change.db(), change.scope());
        FAIRLEAD_CHECK(environments.check_sources(change.db(), change.scope(), row, checks));
        FAIRLEAD_CHECK(checks.result());
        FAIRLEAD_TRY(count, repo.count());
        FAIRLEAD_CHECK(api::check_room(count, max_projects, "too_many_projects", "projects"));
        FAIRLEAD_CHECK(
            orgs::require_room(change.db(), change.scope(), parts.plans, "projects", count)
        );
        row.slug = wanted.slug.value_or(slug_from(row.name, 40));
        auto stored = repo.insert(row);
        for (int suffix = 2;
             !stored && !wanted.slug && stored.error().kind() == Errc::conflict && suffix < 100;
             ++suffix) {
            row.slug = fmt::format("{}-{}", slug_from(row.name, 37), suffix);
            stored = repo.insert(row);
        }
        FAIRLEAD_CHECK(std::move(stored));
        change.record("project.create", "project", row, audit_facts(row));
        change.publish(event(change.scope().org(), "project.updated", row.id, to_json(row)));
        return api::answer(to_json(row), 201);
    });
}

Result<Response> edit(const Call& call, Environments& environments) {
    const auto& parts = environments.parts();
    FAIRLEAD_TRY(id, call.path_id<ProjectId>("project"));
    FAIRLEAD_TRY(wanted, call.body<EditProject>());
    api::Checks checks;
    checks.that(
        wanted.name || wanted.odoo_version || wanted.odoo_source || wanted.addons, "(document)",
        "must change something"
    );
    if (wanted.name) check_name(checks, "name", *wanted.name);
    if (wanted.odoo_version) check_odoo_version(checks, "odoo_version", *wanted.odoo_version);
    if (wanted.odoo_source) check_source(checks, *wanted.odoo_source, parts.transports);
    if (wanted.addons) check_addons(checks, *wanted.addons, parts.transports);
    FAIRLEAD_CHECK(checks.result());
    return api::change(call, environments.desk(), [&](Change& change) -> Result<Response> {
        ProjectRepo repo(change.db(), change.scope());
        FAIRLEAD_TRY(before, repo.get(id));
        auto row = before;
        if (wanted.name) row.name = *wanted.name;
        if (wanted.odoo_version) row.odoo_version = *wanted.odoo_version;
        if (wanted.odoo_source) row.odoo_source = json::encode(*wanted.odoo_source);
        if (wanted.addons) row.addons = json::encode(*wanted.addons);
        FAIRLEAD_CHECK(environments.check_sources(change.db(), change.scope(), row, checks));
        FAIRLEAD_CHECK(checks.result());
        FAIRLEAD_CHECK(repo.update(row));
        change.record("project.edit", "project", row, audit_facts(row), audit_facts(before));
        change.publish(event(change.scope().org(), "project.updated", row.id, to_json(row)));
        // What waits for a redeploy is another list now.
        FAIRLEAD_TRY(affected, EnvironmentRepo(change.db(), change.scope()).of_project(id));
        for (const auto& environment : affected) {
            FAIRLEAD_TRY(news, environment_event(change.db(), change.scope(), environment));
            change.publish(std::move(news));
        }
        return api::answer(to_json(row));
    });
}

Result<Response> remove(const Call& call, Environments& environments) {
    FAIRLEAD_TRY(id, call.path_id<ProjectId>("project"));
    return api::change(call, environments.desk(), [&](Change& change) -> Result<Response> {
        ProjectRepo repo(change.db(), change.scope());
        FAIRLEAD_TRY(row, repo.get(id));
        FAIRLEAD_CHECK(call.confirmed(row.name));
        auto used = row.development + row.staging + row.production;
        if (used > 0) {
            auto text = fmt::format(
                "The project has {} environment{}. Delete {} first.", used, used == 1 ? "" : "s",
                used == 1 ? "it" : "them"
            );
            return api::conflict("project_in_use", std::move(text));
        }
        FAIRLEAD_CHECK(repo.remove(id));
        FAIRLEAD_CHECK(orgs::ProjectLimits(change.db(), change.scope()).forget(id));
        change.record("project.delete", "project", row);
        change.publish(gone(change.scope().org(), "project.deleted", id, id.str()));
        return api::no_content();
    });
}

} // namespace

void add_project_routes(api::RouteTable& table, Environments& environments) {
    api::Routes routes(table, environments, "/api/v1/orgs/{org}/projects");
    routes.get("", "projects.view", &list);
    routes.post("", "projects.create", &create);
    routes.get("/{project}", "projects.view", &get);
    routes.patch("/{project}", "projects.edit", &edit);
    routes.remove("/{project}", "projects.delete", &remove);
}

} // namespace fairlead::environments
