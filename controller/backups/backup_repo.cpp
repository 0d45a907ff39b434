#include "controller/backups/backup_repo.hpp"

namespace fairlead::backups {
namespace {

// Backups of $1 that the holder $2 of a limit to projects sees; "" sees all of them.
#define FAIRLEAD_BACKUP                                                                            \
    "SELECT b.id, b.environment_id, b.environment_name, b.environment_slug, b.environment_type, "  \
    "b.project_id, b.server_id, b.storage_id, b.storage_name, b.kind, b.state, b.operation_id, "   \
    "b.odoo_version, b.release_number, b.postgresql_version, b.database_bytes, b.dump_bytes, "     \
    "b.files, b.file_bytes, b.packed_bytes, b.sent_bytes, b.missing_files, b.recipients, "         \
    "b.started_ms, b.finished_ms, b.removed_ms, b.error_code, b.error_message, "                   \
    "b.last_restored_ms, b.last_drill, EXISTS (SELECT 1 FROM environment e WHERE e.id = "          \
    "b.environment_id AND e.org_id = b.org_id) AS environment_exists FROM backup b WHERE "         \
    "b.org_id = $1 AND ($2 = '' OR EXISTS (SELECT 1 FROM project_limit l WHERE l.org_id = $1 AND " \
    "l.holder = $2 AND l.project_id = b.project_id))"

} // namespace

Result<bool> BackupRepo::insert(const Backup& b) {
    FAIRLEAD_TRY(
        done, db_.run(
                  "INSERT INTO backup (id, org_id, environment_id, environment_name, "
                  "environment_slug, environment_type, project_id, server_id, storage_id, "
                  "storage_name, kind, state, operation_id, started_ms) VALUES ($2, $1, $3, $4, "
                  "$5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING",
                  org_, b.id, b.environment_id, b.environment_name, b.environment_slug,
                  b.environment_type, b.project_id, b.server_id, b.storage_id, b.storage_name,
                  b.kind, b.state, b.operation_id, b.started_ms
              )
    );
    return done > 0;
}

Result<std::optional<Backup>> BackupRepo::find(const BackupId& id) {
    return db_.one<Backup>(FAIRLEAD_BACKUP " AND b.id = $3", org_, limit_, id);
}

Result<Backup> BackupRepo::get(const BackupId& id) {
    return store::present(find(id), "There is no such backup.");
}

Result<std::vector<Backup>> BackupRepo::list(const BackupFilter& f) {
    return db_.all<Backup>(
        FAIRLEAD_BACKUP
        " AND ($3 = '' OR b.environment_id = $3) AND ($4 = '' OR b.storage_id = $4) AND ($5 = '' "
        "OR b.state = $5) AND ($6 = '' OR b.id < $6) ORDER BY b.id DESC LIMIT $7",
        org_, limit_, f.environment, f.storage, f.state, f.below, f.limit
    );
}

Result<std::vector<Backup>> BackupRepo::of_operation(const OperationId& operation) {
    return db_.all<Backup>(
        FAIRLEAD_BACKUP " AND b.operation_id = $3 LIMIT 10", org_, limit_, operation
    );
}

Result<std::optional<Backup>> BackupRepo::newest_good(const EnvironmentId& environment) {
    return db_.one<Backup>(
        FAIRLEAD_BACKUP " AND b.environment_id = $3 AND b.state = 'succeeded' ORDER BY "
                        "b.finished_ms DESC, b.id DESC LIMIT 1",
        org_, limit_, environment
    );
}

Result<std::vector<Backup>>
BackupRepo::stored(const EnvironmentId& environment, const StorageId& storage) {
    return db_.all<Backup>(
        FAIRLEAD_BACKUP " AND b.environment_id = $3 AND b.storage_id = $4 AND b.state = "
                        "'succeeded'",
        org_, limit_, environment, storage
    );
}

Result<Newest> BackupRepo::newest(const EnvironmentId& environment) {
    FAIRLEAD_TRY(
        found,
        db_.one<Newest>(
            "SELECT max(CASE WHEN state = 'succeeded' THEN finished_ms END) AS backup, "
            "max(last_restored_ms) AS restored FROM backup WHERE org_id = $1 AND environment_id = "
            "$2",
            org_, environment
        )
    );
    return found.value_or(Newest());
}

Result<> BackupRepo::update(const Backup& b) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE backup SET state = $3, odoo_version = $4, release_number = $5, postgresql_version "
        "= $6, database_bytes = $7, dump_bytes = $8, files = $9, file_bytes = $10, packed_bytes = "
        "$11, sent_bytes = $12, missing_files = $13, recipients = $14, started_ms = $15, "
        "finished_ms = $16, removed_ms = $17, error_code = $18, error_message = $19, "
        "last_restored_ms = $20, last_drill = $21 WHERE id = $2 AND org_id = $1",
        org_, b.id, b.state, b.odoo_version, b.release_number, b.postgresql_version,
        b.database_bytes, b.dump_bytes, b.files, b.file_bytes, b.packed_bytes, b.sent_bytes,
        b.missing_files, b.recipients, b.started_ms, b.finished_ms, b.removed_ms, b.error_code,
        b.error_message, b.last_restored_ms, b.last_drill
    ));
    return {};
}

Result<> BackupRepo::remove(const BackupId& id) {
    FAIRLEAD_CHECK(db_.run("DELETE FROM backup WHERE id = $2 AND org_id = $1", org_, id));
    return {};
}

Result<std::int64_t> BackupRepo::remove_of_storage(const StorageId& storage) {
    return db_.run("DELETE FROM backup WHERE storage_id = $2 AND org_id = $1", org_, storage);
}

Result<> forget_backups(store::Connection& db, Timestamp before) {
    FAIRLEAD_CHECK(db.run(
        "DELETE FROM backup WHERE id IN (SELECT id FROM backup WHERE state IN ('failed', "
        "'removed') AND finished_ms < $1 AND coalesce(removed_ms, finished_ms) < $1 LIMIT 1000)",
        before
    ));
    return {};
}

} // namespace fairlead::backups
