#include "controller/environments/environments.hpp"

#include "common/json/json.hpp"
#include "controller/environments/inside.hpp"
#include "controller/environments/view.hpp"
#include "controller/fleet/server_repo.hpp"
#include "controller/orgs/orgs.hpp"

#include <fmt/core.h>

#include <set>

namespace fairlead::environments {
namespace {

using api::Actor;
using api::OrgScope;
using store::UnitOfWork;

/// A branch of its own needs a repository that it is the branch of.
Result<> check_own_branch(const Environment& row, const Project& project) {
    auto repositories = project.repositories();
    if (!row.branch || any_follows(repositories)) return {};
    api::Checks checks;
    checks.wrong(
        "branch", repositories.empty()
                      ? "is for an addon repository, and the project has none"
                      : "is for the addon repositories that follow it, and none of the project's "
                        "does: mark one there (follows_environment)"
    );
    return checks.result();
}

} // namespace

boost::json::object audit_facts(const Environment& e) {
    return {
        {"name", e.name},
        {"branch", e.branch ? boost::json::value(*e.branch) : boost::json::value(nullptr)},
        {"port", e.port},
        {"modules", boost::json::parse(e.modules)},
        {"requirements", boost::json::parse(e.requirements)},
        {"domains", boost::json::parse(e.domains)},
        {"exposure", json::enum_name(e.exposure)},
        {"memory_max_bytes", json::to_value(e.memory_max_bytes)},
        {"cpu_percent", json::to_value(e.cpu_percent)},
        {"tasks_max", json::to_value(e.tasks_max)},
        {"workers", e.workers},
        {"system_site_packages", e.system_site_packages},
        {"keep_releases", e.keep_releases}};
}

Result<> Environments::choose_slug(EnvironmentRepo& repo, Environment& row, bool chosen) {
    auto base = chosen ? row.slug : slug_from(row.name, 24);
    for (int suffix = 1; suffix < 1000; ++suffix) {
        auto ending = suffix == 1 ? std::string() : fmt::format("-{}", suffix);
        auto stem = base.substr(0, 24 - ending.size());
        while (stem.ends_with('-')) stem.pop_back();
        row.slug = stem + ending;
        FAIRLEAD_TRY(found, repo.slug_found(row.server_id, row.slug));
        if (!found) {
            FAIRLEAD_TRY(stored, repo.insert(row));
            if (stored) return {};
        }
        if (chosen)
            return conflict(
                "slug_in_use",
                fmt::format(
                    "The slug \"{}\" is taken on this server. Choose another, or leave it out.",
                    base
                )
            );
    }
    return conflict(
        "slug_in_use",
        fmt::format("Too many environments on this server are called \"{}\".", row.name)
    );
}

Result<> Environments::choose_ports(EnvironmentRepo& repo, Environment& row, bool chosen) {
    FAIRLEAD_TRY(taken_list, repo.taken_ports(row.server_id));
    std::set<std::int64_t> taken(taken_list.begin(), taken_list.end());
    std::int64_t port = chosen ? row.port : first_port;
    if (!chosen)
        while (taken.contains(port) || taken.contains(port + 1)) port += 2;
    std::int64_t gevent = port + 1;
    while (taken.contains(gevent) && gevent < 65536) ++gevent;
    if (gevent > 65535) gevent = port - 1;
    if (port > 65535 || taken.contains(gevent))
        return conflict("port_in_use", "This server has no free port left.");
    row.port = static_cast<std::uint16_t>(port);
    row.gevent_port = static_cast<std::uint16_t>(gevent);
    return {};
}

Result<Environment> Environments::create(
    UnitOfWork& unit, const OrgScope& scope, const Actor& actor, NewEnvironment wanted
) {
    EnvironmentRepo repo(unit.db(), scope);
    auto row = std::move(wanted.row);
    FAIRLEAD_TRY(project, ProjectRepo(unit.db(), scope).get(row.project_id));
    FAIRLEAD_TRY(server, fleet::ServerRepo(unit.db(), scope).get(row.server_id));
    if (server.revoked_ms)
        return conflict("server_revoked", server.name + " is revoked: nothing can be sent to it.");
    FAIRLEAD_CHECK(check_own_branch(row, project));
    FAIRLEAD_TRY(in_all, repo.count_all());
    FAIRLEAD_CHECK(orgs::require_room(unit.db(), scope, parts_.plans, "environments", in_all));
    FAIRLEAD_TRY(count, repo.count_on_server(row.server_id));
    if (count >= max_environments_per_server)
        return conflict(
            "too_many_environments",
            fmt::format("{} has {} environments, which is the most.", server.name, count)
        );

    row.id = EnvironmentId::make(parts_.clock.now());
    FAIRLEAD_CHECK(check_names(unit.db(), scope, row, "[]"));
    row.created_ms = parts_.clock.now();
    FAIRLEAD_CHECK(choose_ports(repo, row, wanted.port_chosen));
    FAIRLEAD_CHECK(choose_slug(repo, row, wanted.slug_chosen));
    FAIRLEAD_CHECK(repo.take_ports(row));
    auto entry = act_on(row, "environment.create");
    entry.after = audit_facts(row);
    (*entry.after)["server_id"] = row.server_id.str();
    (*entry.after)["project_id"] = row.project_id.str();
    (*entry.after)["slug"] = row.slug;
    parts_.audit.record(unit, scope, actor, std::move(entry));
    FAIRLEAD_TRY(stored, repo.get(row.id));
    FAIRLEAD_TRY(news, environment_event(unit.db(), scope, stored));
    api::publish(unit, parts_.events, {std::move(news)});
    FAIRLEAD_CHECK(parts_.live.announcements().announce(
        unit, scope, {"environment.created", stored.id.str(), told_of(stored)}
    ));
    return stored;
}

Result<Environment> Environments::edit(
    UnitOfWork& unit, const OrgScope& scope, const Actor& actor, const Environment& before,
    Environment changed
) {
    EnvironmentRepo repo(unit.db(), scope);
    if (changed.branch && changed.branch != before.branch) {
        FAIRLEAD_TRY(project, ProjectRepo(unit.db(), scope).get(before.project_id));
        FAIRLEAD_CHECK(check_own_branch(changed, project));
    }
    FAIRLEAD_CHECK(check_names(unit.db(), scope, changed, before.domains));
    if (changed.port != before.port) {
        FAIRLEAD_CHECK(choose_ports(repo, changed, true));
        FAIRLEAD_CHECK(repo.take_ports(changed));
        // The server listens on the old ones until the next deployment.
        if (before.never_deployed()) FAIRLEAD_CHECK(repo.release_old_ports(changed));
    }
    FAIRLEAD_CHECK(repo.update(changed));
    auto entry = act_on(changed, "environment.edit");
    entry.before = boost::json::object();
    entry.after = boost::json::object();
    auto old_facts = audit_facts(before);
    for (const auto& [name, value] : audit_facts(changed)) {
        if (old_facts[name] == value) continue;
        (*entry.before)[name] = old_facts[name];
        (*entry.after)[name] = value;
    }
    parts_.audit.record(unit, scope, actor, std::move(entry));
    FAIRLEAD_TRY(stored, repo.get(changed.id));
    FAIRLEAD_TRY(news, environment_event(unit.db(), scope, stored));
    api::publish(unit, parts_.events, {std::move(news)});
    return stored;
}

} // namespace fairlead::environments
