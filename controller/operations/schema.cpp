#include "controller/operations/schema.hpp"

namespace fairlead::operations {

const std::string_view first_tables = R"sql(
CREATE TABLE operation (
    id                 TEXT PRIMARY KEY,
    org_id             TEXT NOT NULL,
    server_id          TEXT NOT NULL,
    environment_id     TEXT,
    kind               TEXT NOT NULL,
    state              TEXT NOT NULL,
    mutating           INTEGER NOT NULL,
    fence              BIGINT,
    target_name        TEXT NOT NULL,
    args               TEXT NOT NULL,
    requested_by       TEXT,
    requested_by_email TEXT NOT NULL,
    note               TEXT NOT NULL,
    created_ms         BIGINT NOT NULL,
    deadline_ms        BIGINT NOT NULL,
    delivered_ms       BIGINT,
    started_ms         BIGINT,
    finished_ms        BIGINT,
    cancel_requested   INTEGER NOT NULL DEFAULT 0,
    cancel_sent        INTEGER NOT NULL DEFAULT 0,
    doubted            INTEGER NOT NULL DEFAULT 0,
    log_lines          INTEGER NOT NULL DEFAULT 0,
    log_bytes          BIGINT NOT NULL DEFAULT 0,
    result             TEXT,
    error_code         TEXT NOT NULL DEFAULT '',
    error_message      TEXT NOT NULL DEFAULT '',
    error_step         TEXT NOT NULL DEFAULT '',
    outcome            TEXT NOT NULL DEFAULT ''
);
-- One operation at a time changes an environment.
CREATE UNIQUE INDEX operation_busy ON operation (environment_id)
    WHERE mutating = 1 AND state IN ('queued', 'delivered', 'running', 'unknown');
CREATE INDEX operation_open ON operation (server_id, id) WHERE state IN ('queued', 'delivered', 'running', 'unknown');
CREATE INDEX operation_doubted ON operation (server_id, id) WHERE doubted = 1;
CREATE INDEX operation_by_org ON operation (org_id, id);
CREATE INDEX operation_by_environment ON operation (org_id, environment_id, id);
CREATE INDEX operation_logged ON operation (finished_ms) WHERE log_lines > 0;

CREATE TABLE operation_step (
    operation_id TEXT NOT NULL,
    position     INTEGER NOT NULL,
    org_id       TEXT NOT NULL,
    name         TEXT NOT NULL,
    title        TEXT NOT NULL,
    state        TEXT NOT NULL,
    percent      INTEGER NOT NULL,
    detail       TEXT NOT NULL,
    started_ms   BIGINT,
    finished_ms  BIGINT,
    PRIMARY KEY (operation_id, position)
);

CREATE TABLE operation_log (
    operation_id TEXT NOT NULL,
    seq          BIGINT NOT NULL,
    org_id       TEXT NOT NULL,
    time_ms      BIGINT NOT NULL,
    level        TEXT NOT NULL,
    step         TEXT NOT NULL,
    text         TEXT NOT NULL,
    PRIMARY KEY (operation_id, seq)
);

-- How far each server's journal is known, and which link speaks for it now.
CREATE TABLE agent_journal (
    server_id TEXT PRIMARY KEY,
    org_id    TEXT NOT NULL,
    journal   TEXT NOT NULL,
    last_seq  BIGINT NOT NULL,
    fence     BIGINT NOT NULL,
    link      TEXT NOT NULL
);
)sql";

// Whoever is limited to projects sees the operations on their environments, also after those are
// gone.
const std::string_view operation_projects = R"sql(
ALTER TABLE operation ADD COLUMN project_id TEXT;
UPDATE operation SET project_id = (SELECT project_id FROM environment WHERE environment.id = operation.environment_id)
    WHERE environment_id IS NOT NULL;
)sql";

// What a server began by itself, and when that was heard here: there is a limit to it.
const std::string_view operation_origins = R"sql(
ALTER TABLE operation ADD COLUMN origin TEXT NOT NULL DEFAULT 'controller';
ALTER TABLE operation ADD COLUMN born_ms BIGINT;
CREATE INDEX operation_born ON operation (server_id, born_ms) WHERE born_ms IS NOT NULL;
)sql";

// What never ends, for want of a word from its server, keeps no log for ever either.
const std::string_view age_of_logs = R"sql(
DROP INDEX operation_logged;
CREATE INDEX operation_logged ON operation (coalesce(finished_ms, created_ms)) WHERE log_lines > 0;
)sql";

// What a server sealed for whoever asked is kept for as long as they may fetch it.
const std::string_view sealed_results = R"sql(
CREATE INDEX operation_sealed ON operation (org_id, finished_ms)
    WHERE kind IN ('odoo.users', 'odoo.login') AND result IS NOT NULL;
)sql";

} // namespace fairlead::operations
