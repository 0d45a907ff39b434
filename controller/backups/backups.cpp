#include "controller/backups/backups.hpp"

#include "common/json/json.hpp"
#include "controller/backups/refusals.hpp"
#include "controller/backups/view.hpp"
#include "controller/fleet/server_repo.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

namespace fairlead::backups {

using api::conflict;
using environments::Environment;
using operations::NewOperation;
using operations::Operation;
using store::UnitOfWork;

using namespace std::chrono_literals;

proto::Storage to_proto(const Storage& s) {
    proto::Storage storage;
    storage.id = s.id.str();
    storage.name = s.name;
    storage.endpoint = s.endpoint;
    storage.region = s.region;
    storage.bucket = s.bucket;
    storage.prefix = s.prefix;
    storage.addressing = s.addressing;
    storage.access_key = s.access_key;
    storage.ca = s.ca;
    storage.object_lock = s.object_lock;
    storage.object_lock_days = s.object_lock_days;
    return storage;
}

Result<Operation> Backups::ask(
    Unit& unit, const Scope& scope, const Actor& actor, const Environment& environment,
    NewOperation wanted
) {
    wanted.server = environment.server_id;
    wanted.environment = environment.id;
    wanted.project = environment.project_id;
    wanted.target_name = environment.name;
    return parts_.operations.create(unit, scope, actor, std::move(wanted));
}

Result<proto::BackupArgs> Backups::backup_args(
    store::Connection& db, const Scope& scope, const Environment& environment, const Policy& policy,
    const StorageId& storage_id, proto::BackupKind kind
) {
    FAIRLEAD_TRY(storage, StorageRepo(db, scope).get(storage_id));
    FAIRLEAD_TRY(recipients, PolicyRepo(db, scope).recipients());
    proto::BackupArgs args;
    args.environment_id = environment.id.str();
    args.slug = environment.slug;
    args.backup_id = BackupId::make(parts_.clock.now()).str();
    args.kind = kind;
    args.settings.storage = to_proto(storage);
    args.settings.schedule = policy.schedule;
    args.settings.drill_schedule = policy.drill_schedule;
    args.settings.time_zone = policy.time_zone;
    args.settings.retention = retention_of(policy);
    for (const auto& one : recipients) args.settings.recipients.push_back(one.recipient);
    return args;
}

Result<proto::BackupRef>
Backups::reference(store::Connection& db, const Scope& scope, const Backup& backup) {
    FAIRLEAD_TRY(storage, StorageRepo(db, scope).find(backup.storage_id));
    if (!storage)
        return conflict(
            "storage_gone", fmt::format(
                                "The storage \"{}\" of this backup is not known here any more. Its "
                                "bucket is as it was: fairlead-agent backup list shows it.",
                                backup.storage_name
                            )
        );
    // With the reference go the storage's keys, and which storage it is may be a server's word.
    FAIRLEAD_TRY(chosen, was_chosen(db, scope, backup.environment_id, storage->id));
    if (!chosen)
        return conflict(
            "storage_not_chosen",
            fmt::format(
                "The server says that this backup lies in the storage \"{}\", which nobody has "
                "chosen for {}, so its keys are not sent there. {}",
                storage->name, backup.environment_name,
                backup.environment_exists
                    ? "If it is right, choose that storage in the environment's backup policy."
                    : "On the server, run \"fairlead-agent backup list\" to see what is there."
            )
        );
    return proto::BackupRef{
        backup.id.str(), backup.environment_id.str(), backup.environment_slug, to_proto(*storage)};
}

Result<bool> was_chosen(
    store::Connection& db, const api::OrgScope& scope, const EnvironmentId& environment,
    const StorageId& storage
) {
    FAIRLEAD_TRY(policy, PolicyRepo(db, scope).get(environment));
    if (policy.storage_id == storage) return true;
    operations::OperationRepo operations(db, scope);
    // Inside a text the quotes would be escaped.
    auto named = fmt::format(R"("id":"{}")", storage.str());
    for (auto kind : {proto::kind::backup_configure, proto::kind::backup}) {
        FAIRLEAD_TRY(asked, operations.has_asked(environment, kind, named));
        if (asked) return true;
    }
    return false;
}

Result<std::optional<proto::BackupArgs>> Backups::plan(
    Unit& unit, const Scope& scope, const Environment& environment, proto::BackupKind kind
) {
    FAIRLEAD_TRY(policy, PolicyRepo(unit.db(), scope).get(environment.id));
    if (!policy.storage_id) return std::optional<proto::BackupArgs>();
    // An agent from before backups would leave this member out and go ahead. One that speaks of
    // backups says which storage it goes by.
    if (environment.backup_storage.empty())
        return conflict(
            "backup_not_ready", fmt::format(
                                    "The server of {} has not taken the backup policy yet, so no "
                                    "backup can come first. "
                                    "Wait until it did, or go ahead without a backup.",
                                    environment.name
                                )
        );
    FAIRLEAD_TRY(
        args, backup_args(unit.db(), scope, environment, policy, *policy.storage_id, kind)
    );
    return std::optional(std::move(args));
}

Result<> Backups::begun(
    Unit& unit, const Scope& scope, const Environment& environment, const Operation& operation,
    const proto::BackupArgs& args
) {
    Backup row;
    row.id = BackupId::trusted(args.backup_id);
    row.environment_id = environment.id;
    row.environment_name = environment.name;
    row.environment_slug = environment.slug;
    row.environment_type = environment.type;
    row.project_id = environment.project_id;
    row.server_id = environment.server_id;
    row.storage_id = StorageId::trusted(args.settings.storage.id);
    row.storage_name = args.settings.storage.name;
    row.kind = args.kind;
    row.operation_id = operation.id;
    row.started_ms = operation.created_ms;
    BackupRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(stored, repo.insert(row));
    if (!stored) return {};
    FAIRLEAD_TRY(shown, repo.get(row.id));
    api::publish(unit, parts_.events, {event(scope.org(), shown)});
    return {};
}

Result<Operation> Backups::create(
    Unit& unit, const Scope& scope, const Actor& actor, const Environment& environment,
    std::string note
) {
    FAIRLEAD_CHECK(check_reachable(environment));
    FAIRLEAD_TRY(policy, PolicyRepo(unit.db(), scope).get(environment.id));
    if (!policy.storage_id)
        return conflict(
            "no_storage",
            fmt::format(
                "{} has no storage for backups. Choose one in its backup policy.", environment.name
            )
        );
    FAIRLEAD_TRY(
        args,
        backup_args(
            unit.db(), scope, environment, policy, *policy.storage_id, proto::BackupKind::manual
        )
    );
    NewOperation wanted;
    wanted.kind = proto::kind::backup;
    wanted.args = proto::write_text(args);
    wanted.note = std::move(note);
    wanted.facts = {
        {"backup_id", args.backup_id},
        {"kind", json::enum_name(args.kind)},
        {"storage_id", args.settings.storage.id}};
    FAIRLEAD_TRY(operation, ask(unit, scope, actor, environment, std::move(wanted)));
    FAIRLEAD_CHECK(begun(unit, scope, environment, operation, args));
    return operation;
}

Result<std::optional<Operation>>
Backups::remove(Unit& unit, const Scope& scope, const Actor& actor, const Backup& backup) {
    if (backup.state == BackupState::running)
        return conflict(
            "backup_running", "This backup is still being made. Cancel its operation first."
        );
    if (backup.state != BackupState::succeeded) {
        api::Act act;
        act.action = "backup.forget";
        act.target_type = "backup";
        act.target_id = backup.id.str();
        act.target_name = backup.environment_name;
        act.after = boost::json::object{{"state", json::enum_name(backup.state)}};
        parts_.audit.record(unit, scope, actor, std::move(act));
        FAIRLEAD_CHECK(BackupRepo(unit.db(), scope).remove(backup.id));
        api::publish(unit, parts_.events, {backups::gone(scope.org(), backup)});
        return std::optional<Operation>();
    }
    FAIRLEAD_TRY(
        server, store::present(
                    fleet::ServerRepo(unit.db(), scope).find(backup.server_id),
                    "The server that made this backup is not known here any more."
                )
    );
    if (server.revoked_ms) return revoked("this backup, " + server.name);
    FAIRLEAD_TRY(reference, this->reference(unit.db(), scope, backup));
    proto::BackupDeleteArgs args{
        backup.environment_id.str(), backup.environment_slug, std::move(reference)};
    NewOperation wanted;
    wanted.kind = proto::kind::backup_delete;
    wanted.server = backup.server_id;
    // Without its environment it is an act on the server that holds the key.
    if (backup.environment_exists) wanted.environment = backup.environment_id;
    wanted.project = backup.project_id;
    wanted.target_name = backup.environment_exists ? backup.environment_name : server.name;
    wanted.args = proto::write_text(args);
    wanted.facts = {{"backup_id", backup.id.str()}, {"storage_id", backup.storage_id.str()}};
    FAIRLEAD_TRY(operation, parts_.operations.create(unit, scope, actor, std::move(wanted)));
    return std::optional(std::move(operation));
}

Result<> Backups::tidy(Timestamp now) {
    return parts_.store.write([&](UnitOfWork& unit) {
        return forget_backups(unit.db(), now - kept);
    });
}

Result<> erase(store::Connection& db, const api::OrgScope& scope) {
    FAIRLEAD_CHECK(db.run("DELETE FROM storage WHERE org_id = $1", scope.org()));
    FAIRLEAD_CHECK(db.run("DELETE FROM recovery_recipient WHERE org_id = $1", scope.org()));
    FAIRLEAD_CHECK(db.run("DELETE FROM backup_setting WHERE org_id = $1", scope.org()));
    FAIRLEAD_CHECK(db.run("DELETE FROM backup_policy WHERE org_id = $1", scope.org()));
    FAIRLEAD_CHECK(db.run("DELETE FROM backup WHERE org_id = $1", scope.org()));
    FAIRLEAD_CHECK(db.run("DELETE FROM data_copy_step WHERE org_id = $1", scope.org()));
    FAIRLEAD_CHECK(db.run("DELETE FROM data_copy WHERE org_id = $1", scope.org()));
    return {};
}

} // namespace fairlead::backups
