// Storages on trial, and what a server is told to go by.
#include "controller/backups/backups.hpp"
#include "controller/backups/refusals.hpp"
#include "controller/backups/view.hpp"
#include "controller/environments/view.hpp"
#include "controller/fleet/server_repo.hpp"
#include "proto/codec.hpp"

namespace fairlead::backups {

using environments::Environment;
using operations::NewOperation;
using operations::Operation;

using namespace std::chrono_literals;

Result<Operation> Backups::test(
    Unit& unit, const Scope& scope, const Actor& actor, Storage& storage, const ServerId& server_id
) {
    FAIRLEAD_TRY(server, fleet::ServerRepo(unit.db(), scope).get(server_id));
    if (server.revoked_ms) return revoked("that name, " + server.name);
    NewOperation wanted;
    wanted.kind = proto::kind::storage_test;
    wanted.server = server.id;
    wanted.target_name = server.name;
    wanted.args = proto::write_text(proto::StorageTestArgs{to_proto(storage)});
    wanted.facts = {{"storage_id", storage.id.str()}, {"storage", storage.name}};
    wanted.deadline = 10min;
    FAIRLEAD_TRY(operation, parts_.operations.create(unit, scope, actor, std::move(wanted)));
    storage.test_operation = operation.id;
    FAIRLEAD_CHECK(StorageRepo(unit.db(), scope).update(storage));
    return operation;
}

Result<Policy> Backups::set_policy(
    Unit& unit, const Scope& scope, const Actor& actor, const Environment& environment,
    Policy policy
) {
    if (environment.server_status == "revoked") return revoked(environment.name);
    PolicyRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(before, repo.get(environment.id));
    if (policy.storage_id) FAIRLEAD_CHECK(StorageRepo(unit.db(), scope).get(*policy.storage_id));
    policy.environment_id = environment.id;
    policy.operation_id = before.operation_id;
    FAIRLEAD_CHECK(repo.put(policy));
    auto act = environments::act_on(environment, "backup_policy.edit");
    act.before = audit_facts(before);
    act.after = audit_facts(policy);
    parts_.audit.record(unit, scope, actor, std::move(act));
    FAIRLEAD_CHECK(tell(unit, scope, actor, environment));
    FAIRLEAD_CHECK(refresh(unit, scope, environment.id));
    return repo.get(environment.id);
}

Result<std::optional<Operation>>
Backups::tell(Unit& unit, const Scope& scope, const Actor& actor, const Environment& environment) {
    if (!check_reachable(environment)) return std::optional<Operation>();
    PolicyRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(policy, repo.get(environment.id));
    if (policy.operation_id) {
        FAIRLEAD_TRY(last, operations::OperationRepo(unit.db(), scope).find(*policy.operation_id));
        if (last && last->state == operations::State::queued)
            FAIRLEAD_CHECK(parts_.operations.cancel(unit, scope, actor, last->id));
    }
    proto::BackupConfigureArgs args;
    args.environment_id = environment.id.str();
    args.slug = environment.slug;
    if (policy.storage_id) {
        FAIRLEAD_TRY(
            backup, backup_args(
                        unit.db(), scope, environment, policy, *policy.storage_id,
                        proto::BackupKind::scheduled
                    )
        );
        args.settings = std::move(backup.settings);
    }
    NewOperation wanted;
    wanted.kind = proto::kind::backup_configure;
    wanted.mutating = false; // it changes nothing that Odoo or its data are made of
    wanted.args = proto::write_text(args);
    wanted.deadline = 24h * 7;
    FAIRLEAD_TRY(operation, ask(unit, scope, actor, environment, std::move(wanted)));
    FAIRLEAD_CHECK(repo.set_operation(environment.id, operation.id));
    return std::optional(std::move(operation));
}

Result<>
Backups::tell_all(Unit& unit, const Scope& scope, const Actor& actor, std::string_view storage) {
    FAIRLEAD_TRY(ids, PolicyRepo(unit.db(), scope).with_storage(storage));
    environments::EnvironmentRepo environments(unit.db(), scope);
    for (const auto& id : ids) {
        FAIRLEAD_TRY(environment, environments.find(id));
        if (environment) FAIRLEAD_CHECK(tell(unit, scope, actor, *environment));
    }
    return {};
}

Result<> Backups::gone(Unit& unit, const Scope& scope, const Environment& environment) {
    return PolicyRepo(unit.db(), scope).remove(environment.id);
}

} // namespace fairlead::backups
