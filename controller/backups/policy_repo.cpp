#include "controller/backups/policy_repo.hpp"

namespace fairlead::backups {

Result<Policy> PolicyRepo::get(const EnvironmentId& environment) {
    FAIRLEAD_TRY(
        found, db_.one<Policy>(
                   "SELECT environment_id, storage_id, schedule, drill_schedule, time_zone, "
                   "retention, operation_id, updated_ms, updated_by, updated_by_email FROM "
                   "backup_policy WHERE environment_id = $2 AND org_id = $1",
                   org_, environment
               )
    );
    if (found) return *std::move(found);
    Policy none;
    none.environment_id = environment;
    return none;
}

Result<> PolicyRepo::put(const Policy& p) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO backup_policy (environment_id, org_id, storage_id, schedule, drill_schedule, "
        "time_zone, retention, operation_id, updated_ms, updated_by, updated_by_email) VALUES ($2, "
        "$1, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (environment_id) DO UPDATE SET "
        "storage_id = excluded.storage_id, schedule = excluded.schedule, drill_schedule = "
        "excluded.drill_schedule, time_zone = excluded.time_zone, retention = excluded.retention, "
        "operation_id = excluded.operation_id, updated_ms = excluded.updated_ms, updated_by = "
        "excluded.updated_by, updated_by_email = excluded.updated_by_email WHERE "
        "backup_policy.org_id = $1",
        org_, p.environment_id, p.storage_id, p.schedule, p.drill_schedule, p.time_zone,
        p.retention, p.operation_id, p.updated_ms, p.updated_by, p.updated_by_email
    ));
    return {};
}

Result<> PolicyRepo::set_operation(const EnvironmentId& environment, const OperationId& operation) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE backup_policy SET operation_id = $3 WHERE environment_id = $2 AND org_id = $1",
        org_, environment, operation
    ));
    return {};
}

Result<> PolicyRepo::remove(const EnvironmentId& environment) {
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM backup_policy WHERE environment_id = $2 AND org_id = $1", org_, environment
    ));
    return {};
}

Result<std::vector<EnvironmentId>> PolicyRepo::with_storage(std::string_view storage) {
    return db_.all<EnvironmentId>(
        "SELECT environment_id FROM backup_policy WHERE org_id = $1 AND storage_id IS NOT NULL AND "
        "($2 = '' OR storage_id = $2) ORDER BY environment_id LIMIT 10000",
        org_, storage
    );
}

Result<std::vector<Recipient>> PolicyRepo::recipients() {
    return db_.all<Recipient>(
        "SELECT name, recipient FROM recovery_recipient WHERE org_id = $1 ORDER BY position LIMIT "
        "100",
        org_
    );
}

Result<std::optional<SettingsMark>> PolicyRepo::settings_mark() {
    return db_.one<SettingsMark>(
        "SELECT updated_ms, updated_by, updated_by_email FROM backup_setting WHERE org_id = $1",
        org_
    );
}

Result<>
PolicyRepo::put_recipients(const std::vector<Recipient>& recipients, const SettingsMark& mark) {
    FAIRLEAD_CHECK(db_.run("DELETE FROM recovery_recipient WHERE org_id = $1", org_));
    std::int64_t position = 0;
    for (const auto& one : recipients)
        FAIRLEAD_CHECK(db_.run(
            "INSERT INTO recovery_recipient (org_id, position, name, recipient) VALUES ($1, $2, "
            "$3, $4)",
            org_, position++, one.name, one.recipient
        ));
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO backup_setting (org_id, updated_ms, updated_by, updated_by_email) VALUES ($1, "
        "$2, $3, $4) ON CONFLICT (org_id) DO UPDATE SET updated_ms = excluded.updated_ms, "
        "updated_by = excluded.updated_by, updated_by_email = excluded.updated_by_email",
        org_, mark.updated_ms, mark.updated_by, mark.updated_by_email
    ));
    return {};
}

} // namespace fairlead::backups
