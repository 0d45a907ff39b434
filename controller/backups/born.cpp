// Operations that servers begin by themselves: by the schedules that they were given, or because
// root on them asked. All of it is a server's word; what is stored is made anew from what was found
// to be true.
#include "common/json/json.hpp"
#include "controller/backups/backups.hpp"
#include "controller/environments/masking.hpp"
#include "proto/codec.hpp"

namespace fairlead::backups {
namespace {

using environments::Environment;
using operations::cut;
using operations::NewOperation;

/// Of the same environment, with an id that is free here, and into a storage that was chosen.
Result<std::optional<proto::BackupArgs>> believed(
    store::Connection& db, const api::OrgScope& scope, const Environment& environment,
    const proto::BackupArgs& said
) {
    auto id = BackupId::parse(said.backup_id);
    auto storage = StorageId::parse(said.settings.storage.id);
    if (!id || !storage || said.environment_id != environment.id.str())
        return std::optional<proto::BackupArgs>();
    FAIRLEAD_TRY(taken, BackupRepo(db, scope).find(*id));
    if (taken) return std::optional<proto::BackupArgs>();
    proto::BackupArgs args;
    args.environment_id = environment.id.str();
    args.slug = environment.slug;
    args.backup_id = id->str();
    args.kind = said.kind;
    // One that was stored after the copy that this controller was restored from has no row here.
    FAIRLEAD_TRY(row, StorageRepo(db, scope).find(*storage));
    FAIRLEAD_TRY(chosen, was_chosen(db, scope, environment.id, *storage));
    if (row && !chosen) return std::optional<proto::BackupArgs>();
    args.settings.storage.id = storage->str();
    args.settings.storage.name = row ? row->name : cut(said.settings.storage.name, 80);
    return std::optional(std::move(args));
}

proto::BackupRef believed(const proto::BackupRef& said) {
    proto::BackupRef reference;
    if (auto id = BackupId::parse(said.id)) reference.id = id->str();
    if (auto id = EnvironmentId::parse(said.environment_id)) reference.environment_id = id->str();
    if (auto id = StorageId::parse(said.storage.id)) reference.storage.id = id->str();
    reference.slug = cut(said.slug, 31);
    return reference;
}

} // namespace

Result<std::optional<NewOperation>>
Backups::born(Unit& unit, const Scope& scope, const ServerId& server, const proto::Born& born) {
    std::optional<NewOperation> nothing;
    auto id = EnvironmentId::parse(born.environment_id);
    if (!id) return nothing;
    FAIRLEAD_TRY(environment, environments::EnvironmentRepo(unit.db(), scope).find(*id));
    if (!environment || environment->server_id != server || environment->slug != born.slug)
        return nothing;

    NewOperation wanted;
    wanted.kind = born.kind;
    wanted.environment = environment->id;
    wanted.project = environment->project_id;
    wanted.target_name = environment->name;
    if (born.kind == proto::kind::backup) {
        auto said = proto::read<proto::BackupArgs>(born.args);
        if (!said) return nothing;
        FAIRLEAD_TRY(args, believed(unit.db(), scope, *environment, *said));
        if (!args) return nothing;
        wanted.args = proto::write_text(*args);
        wanted.facts = {
            {"backup_id", args->backup_id},
            {"kind", json::enum_name(args->kind)},
            {"storage_id", args->settings.storage.id}};
    } else if (born.kind == proto::kind::drill) {
        auto said = proto::read<proto::DrillArgs>(born.args);
        if (!said || said->environment_id != environment->id.str()) return nothing;
        proto::DrillArgs args{environment->id.str(), environment->slug, believed(said->backup)};
        wanted.args = proto::write_text(args);
        wanted.facts = {{"backup_id", args.backup.id}};
    } else if (born.kind == proto::kind::restore) {
        auto said = proto::read<proto::RestoreArgs>(born.args);
        if (!said || said->environment_id != environment->id.str()) return nothing;
        proto::RestoreArgs args;
        args.environment_id = environment->id.str();
        args.slug = environment->slug;
        args.backup = believed(said->backup);
        args.parts = said->parts;
        args.neutralise = said->neutralise;
        args.mask = said->mask;
        if (said->safety) {
            FAIRLEAD_TRY(safety, believed(unit.db(), scope, *environment, *said->safety));
            args.safety = std::move(safety);
        }
        wanted.args = proto::write_text(args);
        wanted.facts = {
            {"backup_id", args.backup.id},
            {"source_environment_id", args.backup.environment_id},
            {"target_environment_id", args.environment_id},
            {"parts", json::enum_name(args.parts)},
            {"neutralise", args.neutralise},
            {"mask", environments::names_of(args.mask)}};
    } else {
        return nothing;
    }
    return std::optional(std::move(wanted));
}

Result<> Backups::taken_over(
    Unit& unit, const Scope& scope, const Operation& operation, const std::string& text
) {
    if (!operation.environment_id) return {};
    std::optional<proto::BackupArgs> backup;
    if (operation.kind == proto::kind::backup) {
        FAIRLEAD_TRY(args, proto::read_text<proto::BackupArgs>(text));
        backup = std::move(args);
    } else if (operation.kind == proto::kind::restore) {
        FAIRLEAD_TRY(args, proto::read_text<proto::RestoreArgs>(text));
        backup = std::move(args.safety);
    }
    if (!backup) return {};
    FAIRLEAD_TRY(
        environment, environments::EnvironmentRepo(unit.db(), scope).get(*operation.environment_id)
    );
    return begun(unit, scope, environment, operation, *backup);
}

} // namespace fairlead::backups
