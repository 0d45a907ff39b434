// What takes data out of a backup, or out of another environment: restore, drill, clone.
#include "common/json/json.hpp"
#include "controller/backups/backups.hpp"
#include "controller/backups/refusals.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

namespace fairlead::backups {
namespace {

using api::conflict;
using environments::Environment;
using operations::NewOperation;
using operations::Operation;

} // namespace

Result<Operation> Backups::restore(
    Unit& unit, const Scope& scope, const Actor& actor, const Backup& backup,
    const Environment& target, const RestoreRequest& request
) {
    FAIRLEAD_CHECK(check_whole(backup));
    FAIRLEAD_CHECK(check_listed(unit.db(), scope, backup.storage_id));
    if (target.server_status == "revoked") return revoked(target.name);
    if (target.never_deployed()) return not_deployed(target);
    FAIRLEAD_CHECK(check_masking(target, request.mask));
    proto::RestoreArgs args;
    args.environment_id = target.id.str();
    args.slug = target.slug;
    FAIRLEAD_TRY(reference, this->reference(unit.db(), scope, backup));
    args.backup = std::move(reference);
    args.parts = request.parts;
    args.neutralise = request.neutralise;
    args.mask = request.mask;
    if (request.safety_backup) {
        FAIRLEAD_TRY(policy, PolicyRepo(unit.db(), scope).get(target.id));
        FAIRLEAD_TRY(
            safety,
            backup_args(
                unit.db(), scope, target, policy, policy.storage_id.value_or(backup.storage_id),
                proto::BackupKind::pre_restore
            )
        );
        args.safety = std::move(safety);
    }
    NewOperation wanted;
    wanted.kind = proto::kind::restore;
    wanted.args = proto::write_text(args);
    wanted.note = request.note;
    wanted.facts = {
        {"backup_id", backup.id.str()},
        {"source_environment_id", backup.environment_id.str()},
        {"source", backup.environment_name},
        {"target_environment_id", target.id.str()},
        {"parts", json::enum_name(request.parts)},
        {"neutralise", request.neutralise},
        {"mask", names_of(request.mask)},
        {"safety_backup_id",
         args.safety ? boost::json::value(args.safety->backup_id) : boost::json::value(nullptr)}};
    FAIRLEAD_TRY(operation, ask(unit, scope, actor, target, std::move(wanted)));
    if (args.safety) FAIRLEAD_CHECK(begun(unit, scope, target, operation, *args.safety));
    return operation;
}

Result<Operation> Backups::recipient(
    Unit& unit, const Scope& scope, const Actor& actor, const Environment& environment
) {
    FAIRLEAD_CHECK(check_reachable(environment));
    NewOperation wanted;
    wanted.kind = proto::kind::recipient;
    wanted.mutating = false; // nothing that Odoo or its data are made of
    wanted.args =
        proto::write_text(proto::BackupRecipientArgs{environment.id.str(), environment.slug});
    return ask(unit, scope, actor, environment, std::move(wanted));
}

Result<Operation> Backups::grant(
    Unit& unit, const Scope& scope, const Actor& actor, const Backup& backup,
    const std::string& recipient, const Environment& target
) {
    FAIRLEAD_CHECK(check_whole(backup));
    FAIRLEAD_CHECK(check_listed(unit.db(), scope, backup.storage_id));
    FAIRLEAD_TRY(reference, this->reference(unit.db(), scope, backup));
    proto::BackupGrantArgs args{
        backup.environment_id.str(), backup.environment_slug, std::move(reference), recipient};
    NewOperation wanted;
    wanted.kind = proto::kind::grant;
    wanted.mutating = false;
    wanted.server = backup.server_id;
    // Without its environment it is an act on the server that holds the key.
    if (backup.environment_exists) wanted.environment = backup.environment_id;
    wanted.project = backup.project_id;
    wanted.target_name = backup.environment_name;
    wanted.args = proto::write_text(args);
    wanted.facts = {
        {"backup_id", backup.id.str()},
        {"target_environment_id", target.id.str()},
        {"target", target.name},
        {"recipient", recipient}};
    return parts_.operations.create(unit, scope, actor, std::move(wanted));
}

Result<Operation>
Backups::drill(Unit& unit, const Scope& scope, const Actor& actor, const Backup& backup) {
    FAIRLEAD_CHECK(check_whole(backup));
    FAIRLEAD_CHECK(check_listed(unit.db(), scope, backup.storage_id));
    FAIRLEAD_TRY(
        environment, environments::EnvironmentRepo(unit.db(), scope).find(backup.environment_id)
    );
    if (!environment)
        return conflict(
            "environment_gone", fmt::format(
                                    "{} was deleted: without its Odoo there is nothing to try this "
                                    "backup with. Restore "
                                    "it into another environment.",
                                    backup.environment_name
                                )
        );
    FAIRLEAD_CHECK(check_reachable(*environment));
    FAIRLEAD_TRY(reference, this->reference(unit.db(), scope, backup));
    proto::DrillArgs args{environment->id.str(), environment->slug, std::move(reference)};
    NewOperation wanted;
    wanted.kind = proto::kind::drill;
    wanted.mutating = false; // a scratch database beside the environment's own
    wanted.args = proto::write_text(args);
    wanted.facts = {{"backup_id", backup.id.str()}};
    return ask(unit, scope, actor, *environment, std::move(wanted));
}

Result<Operation>
Backups::drill(Unit& unit, const Scope& scope, const Actor& actor, const Environment& environment) {
    FAIRLEAD_CHECK(check_reachable(environment));
    FAIRLEAD_TRY(newest, BackupRepo(unit.db(), scope).newest_good(environment.id));
    if (!newest)
        return conflict(
            "no_backup",
            fmt::format("{} has no backup that succeeded. Make one first.", environment.name)
        );
    return drill(unit, scope, actor, *newest);
}

Result<Operation> Backups::clone(
    Unit& unit, const Scope& scope, const Actor& actor, const Environment& source,
    const Environment& target, const CloneRequest& request
) {
    if (source.id == target.id)
        return conflict(
            "same_environment", "The target is the environment itself. Choose another one."
        );
    FAIRLEAD_CHECK(check_reachable(source));
    FAIRLEAD_CHECK(check_reachable(target));
    FAIRLEAD_CHECK(check_masking(target, request.mask));
    proto::CloneArgs args;
    args.environment_id = target.id.str();
    args.slug = target.slug;
    args.source_environment_id = source.id.str();
    args.source_slug = source.slug;
    args.neutralise = request.neutralise;
    args.mask = request.mask;
    if (request.safety_backup) {
        FAIRLEAD_TRY(policy, PolicyRepo(unit.db(), scope).get(target.id));
        if (!policy.storage_id)
            return conflict(
                "no_storage",
                fmt::format(
                    "{} has no storage for a safety backup. Choose one in its backup policy, or "
                    "copy without one.",
                    target.name
                )
            );
        FAIRLEAD_TRY(
            safety,
            backup_args(
                unit.db(), scope, target, policy, *policy.storage_id, proto::BackupKind::pre_restore
            )
        );
        args.safety = std::move(safety);
    }
    NewOperation wanted;
    wanted.kind = proto::kind::clone;
    wanted.args = proto::write_text(args);
    wanted.note = request.note;
    wanted.facts = {
        {"source_environment_id", source.id.str()},
        {"source", source.name},
        {"target_environment_id", target.id.str()},
        {"neutralise", request.neutralise},
        {"mask", names_of(request.mask)},
        {"safety_backup_id",
         args.safety ? boost::json::value(args.safety->backup_id) : boost::json::value(nullptr)}};
    FAIRLEAD_TRY(operation, ask(unit, scope, actor, target, std::move(wanted)));
    if (args.safety) FAIRLEAD_CHECK(begun(unit, scope, target, operation, *args.safety));
    return operation;
}

} // namespace fairlead::backups
