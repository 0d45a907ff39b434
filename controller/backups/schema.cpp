#include "controller/backups/schema.hpp"

namespace fairlead::backups {

const std::string_view first_tables = R"sql(
CREATE TABLE storage (
    id               TEXT PRIMARY KEY,
    org_id           TEXT NOT NULL,
    name             TEXT NOT NULL,
    provider         TEXT NOT NULL,
    endpoint         TEXT NOT NULL,
    region           TEXT NOT NULL,
    bucket           TEXT NOT NULL,
    prefix           TEXT NOT NULL,
    addressing       TEXT NOT NULL,
    access_key       TEXT NOT NULL,
    sealed           BLOB NOT NULL,
    sealed_token     BLOB,
    ca               TEXT NOT NULL,
    object_lock      TEXT NOT NULL,
    object_lock_days INTEGER NOT NULL,
    state            TEXT NOT NULL DEFAULT 'untested',
    checks           TEXT NOT NULL DEFAULT '[]',
    tested_ms        BIGINT,
    tested_on        TEXT,
    test_operation   TEXT,
    created_ms       BIGINT NOT NULL,
    created_by       TEXT NOT NULL,
    created_by_email TEXT NOT NULL
);
CREATE INDEX storage_by_org ON storage (org_id, id);

-- Who opens every backup of an organization, beside the environments' own servers: public halves alone.
CREATE TABLE recovery_recipient (
    org_id    TEXT NOT NULL,
    position  INTEGER NOT NULL,
    name      TEXT NOT NULL,
    recipient TEXT NOT NULL,
    PRIMARY KEY (org_id, position)
);
CREATE TABLE backup_setting (
    org_id           TEXT NOT NULL PRIMARY KEY,
    updated_ms       BIGINT NOT NULL,
    updated_by       TEXT NOT NULL,
    updated_by_email TEXT NOT NULL
);

-- `operation_id`: the one that told the server last.
CREATE TABLE backup_policy (
    environment_id   TEXT PRIMARY KEY,
    org_id           TEXT NOT NULL,
    storage_id       TEXT,
    schedule         TEXT NOT NULL,
    drill_schedule   TEXT NOT NULL,
    time_zone        TEXT NOT NULL,
    retention        TEXT NOT NULL,
    operation_id     TEXT,
    updated_ms       BIGINT NOT NULL,
    updated_by       TEXT NOT NULL,
    updated_by_email TEXT NOT NULL
);
CREATE INDEX backup_policy_by_org ON backup_policy (org_id, storage_id);

-- A backup outlives its environment, so it keeps what is to be known of it.
CREATE TABLE backup (
    id                 TEXT PRIMARY KEY,
    org_id             TEXT NOT NULL,
    environment_id     TEXT NOT NULL,
    environment_name   TEXT NOT NULL,
    environment_slug   TEXT NOT NULL,
    environment_type   TEXT NOT NULL,
    project_id         TEXT NOT NULL,
    server_id          TEXT NOT NULL,
    storage_id         TEXT NOT NULL,
    storage_name       TEXT NOT NULL,
    kind               TEXT NOT NULL,
    state              TEXT NOT NULL,
    operation_id       TEXT NOT NULL,
    odoo_version       TEXT NOT NULL DEFAULT '',
    release_number     INTEGER NOT NULL DEFAULT 0,
    postgresql_version TEXT NOT NULL DEFAULT '',
    database_bytes     BIGINT NOT NULL DEFAULT 0,
    dump_bytes         BIGINT NOT NULL DEFAULT 0,
    files              BIGINT NOT NULL DEFAULT 0,
    file_bytes         BIGINT NOT NULL DEFAULT 0,
    packed_bytes       BIGINT NOT NULL DEFAULT 0,
    sent_bytes         BIGINT NOT NULL DEFAULT 0,
    missing_files      BIGINT NOT NULL DEFAULT 0,
    recipients         TEXT NOT NULL DEFAULT '[]',
    started_ms         BIGINT NOT NULL,
    finished_ms        BIGINT,
    removed_ms         BIGINT,
    error_code         TEXT NOT NULL DEFAULT '',
    error_message      TEXT NOT NULL DEFAULT '',
    last_restored_ms   BIGINT,
    last_drill         TEXT
);
CREATE INDEX backup_by_org ON backup (org_id, id);
CREATE INDEX backup_by_environment ON backup (org_id, environment_id, id);
CREATE INDEX backup_by_operation ON backup (operation_id);
CREATE INDEX backup_of_no_use ON backup (finished_ms) WHERE state IN ('failed', 'removed');
)sql";

const std::string_view copy_tables = R"sql(
-- What puts a backup, or another environment's data, into an environment by several operations in a row.
CREATE TABLE data_copy (
    id            TEXT PRIMARY KEY,
    org_id        TEXT NOT NULL,
    project_id    TEXT NOT NULL,
    source_id     TEXT NOT NULL,
    source_name   TEXT NOT NULL,
    target_id     TEXT NOT NULL,
    target_name   TEXT NOT NULL,
    new_target    INTEGER NOT NULL,
    backup_id     TEXT,
    request       TEXT NOT NULL,
    actor         TEXT NOT NULL,
    state         TEXT NOT NULL,
    recipient     TEXT NOT NULL DEFAULT '',
    error_code    TEXT NOT NULL DEFAULT '',
    error_message TEXT NOT NULL DEFAULT '',
    created_ms    BIGINT NOT NULL,
    finished_ms   BIGINT
);
CREATE INDEX data_copy_by_org ON data_copy (org_id, id);
CREATE INDEX data_copy_by_target ON data_copy (org_id, target_id, id);
CREATE INDEX data_copy_over ON data_copy (finished_ms) WHERE finished_ms IS NOT NULL;

CREATE TABLE data_copy_step (
    copy_id      TEXT NOT NULL,
    position     INTEGER NOT NULL,
    org_id       TEXT NOT NULL,
    kind         TEXT NOT NULL,
    server_id    TEXT NOT NULL,
    operation_id TEXT,
    PRIMARY KEY (copy_id, position)
);
CREATE INDEX data_copy_step_by_operation ON data_copy_step (operation_id);
)sql";

} // namespace fairlead::backups
