#include "controller/environments/environments.hpp"

#include "common/json/json.hpp"
#include "controller/environments/credential_repo.hpp"
#include "controller/environments/project_repo.hpp"
#include "controller/environments/spec.hpp"
#include "controller/environments/view.hpp"
#include "controller/fleet/server_repo.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

namespace fairlead::environments {
namespace {

using api::Actor;
using api::OrgScope;
using operations::Operation;
using store::UnitOfWork;

constexpr std::size_t max_credentials = 10; // of one project: their keys travel in one message

api::Act act_on(const Environment& environment, std::string action) {
    api::Act act;
    act.action = std::move(action);
    act.target_type = "environment";
    act.target_id = environment.id.str();
    act.target_name = environment.name;
    return act;
}

tl::unexpected<Error> conflict(std::string code, std::string message) {
    return fail(Error(Errc::conflict, std::move(message)).with_code(std::move(code)));
}

tl::unexpected<Error> revoked() {
    return conflict(
        "server_revoked", "The server of this environment is revoked: nothing can be sent to it."
    );
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
    if (row.branch && project.repositories().empty()) {
        api::Checks checks;
        checks.wrong(
            "branch",
            "stands for the branch of the project's last addon repository, and the project has none"
        );
        return fail(std::move(checks.result()).error());
    }
    FAIRLEAD_TRY(count, repo.count_on_server(row.server_id));
    if (count >= max_environments_per_server)
        return conflict(
            "too_many_environments",
            fmt::format("{} has {} environments, which is the most.", server.name, count)
        );

    row.id = EnvironmentId::make(parts_.clock.now());
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
    operations::publish(unit, parts_.events, {std::move(news)});
    return stored;
}

Result<Environment> Environments::edit(
    UnitOfWork& unit, const OrgScope& scope, const Actor& actor, const Environment& before,
    Environment changed
) {
    EnvironmentRepo repo(unit.db(), scope);
    if (changed.branch && changed.branch != before.branch) {
        FAIRLEAD_TRY(project, ProjectRepo(unit.db(), scope).get(before.project_id));
        if (project.repositories().empty()) {
            api::Checks checks;
            checks.wrong(
                "branch", "stands for the branch of the project's last addon repository, and the "
                          "project has none"
            );
            return fail(std::move(checks.result()).error());
        }
    }
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
    operations::publish(unit, parts_.events, {std::move(news)});
    return stored;
}

Result<Environment>
Environments::reachable(UnitOfWork& unit, const OrgScope& scope, const EnvironmentId& id) {
    FAIRLEAD_TRY(environment, EnvironmentRepo(unit.db(), scope).get(id));
    if (environment.server_status == "revoked") return revoked();
    return environment;
}

Result<Operation> Environments::ask(
    UnitOfWork& unit, const OrgScope& scope, const Actor& actor, const Environment& environment,
    std::string_view kind, std::string args, std::string note, std::chrono::milliseconds deadline
) {
    operations::NewOperation wanted;
    wanted.kind = kind;
    wanted.server = environment.server_id;
    wanted.environment = environment.id;
    wanted.target_name = environment.name;
    wanted.mutating = kind != proto::kind::preflight;
    wanted.args = std::move(args);
    wanted.note = std::move(note);
    wanted.deadline = deadline;
    return parts_.operations.create(unit, scope, actor, std::move(wanted));
}

Result<Operation> Environments::preflight(
    UnitOfWork& unit, const OrgScope& scope, const Actor& actor, const EnvironmentId& id
) {
    FAIRLEAD_TRY(environment, reachable(unit, scope, id));
    FAIRLEAD_TRY(spec, spec_of(unit.db(), scope, environment));
    return ask(
        unit, scope, actor, environment, proto::kind::preflight,
        proto::write_text(proto::PreflightArgs{spec}), "", std::chrono::minutes(10)
    );
}

Result<Operation> Environments::deploy(
    UnitOfWork& unit, const OrgScope& scope, const Actor& actor, const EnvironmentId& id,
    const DeployRequest& request
) {
    FAIRLEAD_TRY(environment, reachable(unit, scope, id));
    proto::DeployArgs args;
    FAIRLEAD_TRY(spec, spec_of(unit.db(), scope, environment));
    args.environment = std::move(spec);
    args.update = request.update;
    args.modules = request.modules;
    auto now = parts_.clock.now();
    Release release;
    release.id = ReleaseId::make(now);
    release.environment_id = id;
    release.number = environment.next_release;
    args.release = {release.id.str(), release.number};
    FAIRLEAD_TRY(
        operation, ask(unit, scope, actor, environment, proto::kind::deploy,
                       proto::write_text(args), request.note, std::chrono::hours(1))
    );
    release.spec = proto::write_text(args.environment);
    release.created_ms = now;
    if (actor.kind == Actor::Kind::user) release.created_by = UserId::trusted(actor.id);
    release.created_by_email = actor.label;
    release.operation_id = operation.id;
    FAIRLEAD_CHECK(ReleaseRepo(unit.db(), scope).put(release));
    ++environment.next_release;
    FAIRLEAD_CHECK(EnvironmentRepo(unit.db(), scope).update_live(environment));
    operations::publish(
        unit, parts_.events, {event(scope.org(), "release.updated", to_json(release))}
    );
    return operation;
}

Result<Operation> Environments::rollback(
    UnitOfWork& unit, const OrgScope& scope, const Actor& actor, const EnvironmentId& id,
    const RollbackRequest& request
) {
    FAIRLEAD_TRY(environment, reachable(unit, scope, id));
    FAIRLEAD_TRY(release, ReleaseRepo(unit.db(), scope).get(id, request.release));
    if (release.state == ReleaseState::live)
        return conflict(
            "release_is_live", fmt::format("Release {} is live already.", release.number)
        );
    if (release.state != ReleaseState::kept)
        return conflict(
            "release_not_kept",
            fmt::format(
                "Release {} is not on the server any more. Choose one that is kept, or deploy "
                "its branch.",
                release.number
            )
        );
    if (request.database == proto::DatabaseChoice::snapshot && !release.has_database_snapshot)
        return conflict(
            "no_database_snapshot",
            fmt::format(
                "The database of release {} was not kept. Roll back with the database "
                "as it is (keep).",
                release.number
            )
        );
    proto::RollbackArgs args{
        id.str(), environment.slug, {release.id.str(), release.number}, request.database};
    return ask(
        unit, scope, actor, environment, proto::kind::rollback, proto::write_text(args),
        request.note, std::chrono::hours(1)
    );
}

Result<Operation> Environments::act(
    UnitOfWork& unit, const OrgScope& scope, const Actor& actor, const EnvironmentId& id,
    std::string_view kind
) {
    FAIRLEAD_TRY(environment, reachable(unit, scope, id));
    if (environment.never_deployed())
        return conflict(
            "not_deployed",
            fmt::format(
                "{} was not deployed yet: there is nothing to start or stop.", environment.name
            )
        );
    proto::EnvironmentArgs args;
    args.environment_id = id.str();
    args.slug = environment.slug;
    return ask(
        unit, scope, actor, environment, kind, proto::write_text(args), "", std::chrono::minutes(15)
    );
}

Result<std::optional<Operation>> Environments::remove(
    UnitOfWork& unit, const OrgScope& scope, const Actor& actor, const Environment& environment,
    bool drop_data
) {
    bool server_revoked = environment.server_status == "revoked";
    if (server_revoked || environment.never_deployed()) {
        operations::OperationRepo operations(unit.db(), scope);
        FAIRLEAD_TRY(other, operations.busy_with(environment.id));
        if (other && !server_revoked)
            return fail(
                Error(
                    Errc::conflict,
                    fmt::format(
                        "Another operation on this environment is not over: {}. Wait for it, "
                        "or cancel it.",
                        other->str()
                    )
                )
                    .with_code("operation_in_progress")
                    .with_fact("operation_id", other->str())
            );
        auto entry = act_on(environment, "environment.delete");
        entry.after = boost::json::object{
            {"on_server",
             server_revoked && !environment.never_deployed() ? "left there" : "nothing"}};
        parts_.audit.record(unit, scope, actor, std::move(entry));
        FAIRLEAD_CHECK(parts_.live.forget(unit, scope, environment.id));
        return std::optional<Operation>();
    }
    proto::EnvironmentArgs args;
    args.environment_id = environment.id.str();
    args.slug = environment.slug;
    args.drop_data = drop_data;
    FAIRLEAD_TRY(
        operation,
        ask(unit, scope, actor, environment, proto::kind::remove, proto::write_text(args),
            drop_data ? "with its database and filestore" : "", std::chrono::hours(1))
    );
    return std::optional(std::move(operation));
}

Result<> Environments::check_sources(
    store::Connection& db, const OrgScope& scope, const Project& project, api::Checks& checks
) {
    CredentialRepo credentials(db, scope);
    std::set<std::string> used;
    auto check = [&](const std::string& field, const std::string& url,
                     const std::optional<std::string>& id) -> Result<> {
        if (!id) return {};
        used.insert(*id);
        FAIRLEAD_TRY(credential, credentials.find(*id));
        if (!credential) {
            checks.wrong(field + ".credential_id", "names no git credential of this organization");
            return {};
        }
        // A token must not be sent to another host because somebody changed an address.
        auto host = host_of(url);
        auto expected = host_of("ssh://" + credential->host + "/");
        checks.that(
            host == expected, field + ".credential_id",
            fmt::format("is for {}, but the repository is at {}", credential->host, host)
        );
        bool over_ssh = url.find("://") == std::string::npos || url.starts_with("ssh://");
        checks.that(
            (credential->kind == "ssh_key") == over_ssh, field + ".credential_id",
            over_ssh ? "is a token; an ssh address needs a key"
                     : "is an ssh key; an https address needs a token"
        );
        return {};
    };
    auto source = project.source();
    FAIRLEAD_CHECK(check("odoo_source", source.url, source.credential_id));
    auto addons = project.repositories();
    for (std::size_t i = 0; i < addons.size(); ++i)
        FAIRLEAD_CHECK(check(fmt::format("addons[{}]", i), addons[i].url, addons[i].credential_id));
    checks.that(
        used.size() <= max_credentials, "addons",
        fmt::format("use {} git credentials; {} is the most", used.size(), max_credentials)
    );
    return {};
}

} // namespace fairlead::environments
