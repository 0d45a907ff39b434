// What is asked of a server for an environment: each is an operation.
#include "common/json/json.hpp"
#include "controller/environments/connector_token.hpp"
#include "controller/environments/inside.hpp"
#include "controller/environments/refusals.hpp"
#include "controller/environments/spec.hpp"
#include "controller/environments/view.hpp"
#include "proto/codec.hpp"
#include "proto/messages.hpp"

#include <fmt/core.h>

namespace fairlead::environments {
namespace {

using api::Actor;
using api::OrgScope;
using operations::Operation;
using store::UnitOfWork;

/// Odoo's version, and the branches of the same repositories, as they were there.
void follow(proto::EnvironmentSpec& spec, const proto::EnvironmentSpec& like) {
    auto take = [](proto::Source& ours, const proto::Source& theirs) {
        if (ours.name == theirs.name && ours.url == theirs.url) ours.branch = theirs.branch;
    };
    take(spec.odoo, like.odoo);
    if (spec.odoo.url == like.odoo.url) spec.odoo_version = like.odoo_version;
    for (auto& ours : spec.addons)
        for (const auto& theirs : like.addons) take(ours, theirs);
    spec.modules.clear();
}

/// An older agent would pass over what it does not know, and deploy all the same.
Result<> check_agent(const Environment& environment, const proto::EnvironmentSpec& spec) {
    auto needs = spec.exposure == proto::Exposure::cloudflared ? proto::cloudflared_since
                 : spec.listed_sources || spec.exposure != proto::Exposure::port
                     ? proto::reach_since
                     : 0;
    if (environment.server_protocol >= needs) return {};
    bool for_sources = spec.listed_sources && environment.server_protocol < proto::reach_since;
    return conflict(
        "agent_too_old",
        fmt::format(
            "The agent on the server of {} is too old {}. Update it (run its installer there "
            "again), "
            "and deploy then.",
            environment.name,
            for_sources ? "to keep to the domains that the organization lists for sources"
                        : fmt::format("for the exposure \"{}\"", json::enum_name(spec.exposure))
        )
    );
}

/// Its connector would have nothing to connect with.
Result<> check_token(
    store::Connection& db, const OrgScope& scope, const Environment& environment,
    const proto::EnvironmentSpec& spec
) {
    if (spec.exposure != proto::Exposure::cloudflared) return {};
    FAIRLEAD_TRY(token, ConnectorTokenRepo(db, scope).find(environment.id));
    if (token) return {};
    return conflict(
        "no_connector_token",
        fmt::format(
            "{} is to be reached by cloudflared and has no connector token. Set the one that "
            "Cloudflare shows for its tunnel, and deploy then.",
            environment.name
        )
    );
}

} // namespace

Result<Environment>
Environments::reachable(UnitOfWork& unit, const OrgScope& scope, const EnvironmentId& id) {
    FAIRLEAD_TRY(environment, EnvironmentRepo(unit.db(), scope).get(id));
    if (environment.server_status == "revoked") return revoked(environment.name);
    return environment;
}

Result<Operation> Environments::ask(
    UnitOfWork& unit, const OrgScope& scope, const Actor& actor, const Environment& environment,
    std::string_view kind, std::string args, std::string note, std::chrono::milliseconds deadline,
    operations::Origin origin
) {
    operations::NewOperation wanted;
    wanted.kind = kind;
    wanted.server = environment.server_id;
    wanted.environment = environment.id;
    wanted.project = environment.project_id;
    wanted.target_name = environment.name;
    wanted.mutating = kind != proto::kind::preflight;
    wanted.args = std::move(args);
    wanted.note = std::move(note);
    wanted.origin = origin;
    wanted.deadline = deadline;
    return parts_.operations.create(unit, scope, actor, std::move(wanted));
}

Result<Operation> Environments::preflight(
    UnitOfWork& unit, const OrgScope& scope, const Actor& actor, const EnvironmentId& id
) {
    FAIRLEAD_TRY(environment, reachable(unit, scope, id));
    FAIRLEAD_TRY(spec, spec_of(unit.db(), scope, environment));
    FAIRLEAD_CHECK(check_agent(environment, spec));
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
    FAIRLEAD_TRY(project, ProjectRepo(unit.db(), scope).get(environment.project_id));
    api::Checks checks;
    FAIRLEAD_CHECK(check_domains(unit.db(), scope, project, checks));
    FAIRLEAD_CHECK(checks.result());
    proto::DeployArgs args;
    FAIRLEAD_TRY(spec, spec_of(unit.db(), scope, environment));
    FAIRLEAD_CHECK(check_agent(environment, spec));
    FAIRLEAD_CHECK(check_token(unit.db(), scope, environment, spec));
    args.environment = std::move(spec);
    if (request.like) follow(args.environment, *request.like);
    args.update = request.update;
    args.modules = request.modules;
    if (request.backup_first) {
        if (backing_) {
            FAIRLEAD_TRY(
                backup, backing_->plan(unit, scope, environment, proto::BackupKind::pre_deploy)
            );
            args.backup_before = std::move(backup);
        }
        if (!args.backup_before)
            return conflict(
                "no_storage",
                fmt::format(
                    "{} has no storage for a backup. Choose one in its backup policy, or deploy "
                    "without a backup.",
                    environment.name
                )
            );
    }
    auto now = parts_.clock.now();
    Release release;
    release.id = ReleaseId::make(now);
    release.environment_id = id;
    release.number = environment.next_release;
    args.release = {release.id.str(), release.number};
    FAIRLEAD_TRY(
        operation, ask(unit, scope, actor, environment, proto::kind::deploy,
                       proto::write_text(args), request.note, std::chrono::hours(1), request.origin)
    );
    if (args.backup_before)
        FAIRLEAD_CHECK(backing_->begun(unit, scope, environment, operation, *args.backup_before));
    release.spec = proto::write_text(args.environment);
    release.created_ms = now;
    if (actor.kind == Actor::Kind::user) release.created_by = UserId::trusted(actor.id);
    release.created_by_email = actor.label;
    release.operation_id = operation.id;
    FAIRLEAD_CHECK(ReleaseRepo(unit.db(), scope).put(release));
    ++environment.next_release;
    FAIRLEAD_CHECK(EnvironmentRepo(unit.db(), scope).update_live(environment));
    api::publish(
        unit, parts_.events,
        {event(scope.org(), "release.updated", environment.project_id, to_json(release))}
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
    const Removal& removal
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
        FAIRLEAD_CHECK(parts_.live.forget(unit, scope, environment));
        return std::optional<Operation>();
    }
    proto::EnvironmentArgs args;
    args.environment_id = environment.id.str();
    args.slug = environment.slug;
    args.drop_data = removal.drop_data;
    if (removal.drop_data && !removal.skip_backup && backing_) {
        FAIRLEAD_TRY(
            backup, backing_->plan(unit, scope, environment, proto::BackupKind::pre_delete)
        );
        args.last_backup = std::move(backup);
    }
    std::string note = !removal.drop_data ? ""
                       : args.last_backup ? "with its database and filestore, after a last backup"
                                          : "with its database and filestore";
    FAIRLEAD_TRY(
        operation, ask(unit, scope, actor, environment, proto::kind::remove,
                       proto::write_text(args), std::move(note), std::chrono::hours(1))
    );
    if (args.last_backup)
        FAIRLEAD_CHECK(backing_->begun(unit, scope, environment, operation, *args.last_backup));
    return std::optional(std::move(operation));
}

} // namespace fairlead::environments
