#include "controller/environments/schema.hpp"

namespace fairlead::environments {

const std::string_view first_tables = R"sql(
CREATE TABLE git_credential (
    id               TEXT PRIMARY KEY,
    org_id           TEXT NOT NULL,
    name             TEXT NOT NULL,
    host             TEXT NOT NULL,
    kind             TEXT NOT NULL,
    username         TEXT NOT NULL,
    fingerprint      TEXT NOT NULL,
    sealed           BLOB NOT NULL,
    created_ms       BIGINT NOT NULL,
    created_by       TEXT NOT NULL,
    created_by_email TEXT NOT NULL
);
CREATE INDEX git_credential_by_org ON git_credential (org_id, id);

CREATE TABLE project (
    id           TEXT PRIMARY KEY,
    org_id       TEXT NOT NULL,
    name         TEXT NOT NULL,
    slug         TEXT NOT NULL,
    odoo_version TEXT NOT NULL,
    odoo_source  TEXT NOT NULL,
    addons       TEXT NOT NULL,
    created_ms   BIGINT NOT NULL,
    UNIQUE (org_id, slug)
);
CREATE INDEX project_by_name ON project (org_id, name, id);

-- Which project uses which credential, so that one in use is not deleted.
CREATE TABLE project_credential (
    project_id    TEXT NOT NULL,
    credential_id TEXT NOT NULL,
    org_id        TEXT NOT NULL,
    PRIMARY KEY (project_id, credential_id)
);

CREATE TABLE environment (
    id                   TEXT PRIMARY KEY,
    org_id               TEXT NOT NULL,
    project_id           TEXT NOT NULL,
    server_id            TEXT NOT NULL,
    name                 TEXT NOT NULL,
    slug                 TEXT NOT NULL,
    type                 TEXT NOT NULL,
    branch               TEXT,
    port                 INTEGER NOT NULL,
    gevent_port          INTEGER NOT NULL,
    modules              TEXT NOT NULL,
    requirements         TEXT NOT NULL,
    domains              TEXT NOT NULL,
    memory_max_bytes     BIGINT,
    cpu_percent          INTEGER,
    tasks_max            INTEGER,
    workers              INTEGER NOT NULL,
    system_site_packages INTEGER NOT NULL,
    keep_releases        INTEGER NOT NULL,
    live_state           TEXT NOT NULL DEFAULT '',
    live_detail          TEXT NOT NULL DEFAULT '',
    current_release      TEXT,
    next_release         INTEGER NOT NULL DEFAULT 1,
    last_operation_id    TEXT,
    created_ms           BIGINT NOT NULL,
    UNIQUE (server_id, slug)
);
CREATE INDEX environment_by_name ON environment (org_id, name, id);
CREATE INDEX environment_by_project ON environment (org_id, project_id);

-- Ports of a server that belong to an environment: the ones it shall have, and until its next deployment the ones it has.
CREATE TABLE environment_port (
    server_id      TEXT NOT NULL,
    port           INTEGER NOT NULL,
    org_id         TEXT NOT NULL,
    environment_id TEXT NOT NULL,
    PRIMARY KEY (server_id, port)
);
CREATE INDEX environment_port_by_environment ON environment_port (environment_id);

-- What a server holds and this controller does not know, since it was restored from a copy: its slug and port are taken.
CREATE TABLE found_environment (
    server_id      TEXT NOT NULL,
    slug           TEXT NOT NULL,
    org_id         TEXT NOT NULL,
    environment_id TEXT NOT NULL,
    port           INTEGER NOT NULL,
    PRIMARY KEY (server_id, slug)
);

CREATE TABLE environment_release (
    id                    TEXT PRIMARY KEY,
    org_id                TEXT NOT NULL,
    environment_id        TEXT NOT NULL,
    number                INTEGER NOT NULL,
    state                 TEXT NOT NULL,
    commits               TEXT NOT NULL DEFAULT '[]',
    python_packages       TEXT NOT NULL DEFAULT '[]',
    manifest_sha256       TEXT NOT NULL DEFAULT '',
    has_database_snapshot INTEGER NOT NULL DEFAULT 0,
    spec                  TEXT NOT NULL DEFAULT '',
    created_ms            BIGINT NOT NULL,
    created_by            TEXT,
    created_by_email      TEXT NOT NULL DEFAULT '',
    operation_id          TEXT
);
CREATE INDEX environment_release_by_number ON environment_release (org_id, environment_id, number);

CREATE TABLE environment_variable (
    environment_id   TEXT NOT NULL,
    name             TEXT NOT NULL,
    org_id           TEXT NOT NULL,
    secret           INTEGER NOT NULL,
    value            TEXT NOT NULL,
    sealed           BLOB,
    size             INTEGER NOT NULL,
    updated_ms       BIGINT NOT NULL,
    updated_by       TEXT NOT NULL,
    updated_by_email TEXT NOT NULL,
    PRIMARY KEY (environment_id, name)
);
)sql";

const std::string_view found_details = R"sql(
-- The server's own words (proto::EnvironmentState as JSON).
ALTER TABLE found_environment ADD COLUMN details TEXT NOT NULL DEFAULT '';
)sql";

const std::string_view backup_columns = R"sql(
-- What an environment's page says of its backups: as its server said it last, and as the backups are.
ALTER TABLE environment ADD COLUMN backup_storage TEXT NOT NULL DEFAULT '';
ALTER TABLE environment ADD COLUMN backup_recipient TEXT NOT NULL DEFAULT '';
ALTER TABLE environment ADD COLUMN next_backup_ms BIGINT;
ALTER TABLE environment ADD COLUMN next_drill_ms BIGINT;
ALTER TABLE environment ADD COLUMN backup_enabled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE environment ADD COLUMN last_backup_ms BIGINT;
ALTER TABLE environment ADD COLUMN last_restored_ms BIGINT;
ALTER TABLE environment ADD COLUMN last_drill_ms BIGINT;
ALTER TABLE environment ADD COLUMN last_drill_passed INTEGER NOT NULL DEFAULT 0;
)sql";

const std::string_view exposure_column = R"sql(
ALTER TABLE environment ADD COLUMN exposure TEXT NOT NULL DEFAULT 'port' CHECK (exposure IN ('port', 'tunnel', 'direct'));
)sql";

const std::string_view connectors = R"sql(
-- The same column with one word more that it takes.
ALTER TABLE environment ADD COLUMN way TEXT NOT NULL DEFAULT 'port' CHECK (way IN ('port', 'tunnel', 'direct', 'cloudflared'));
UPDATE environment SET way = exposure;
ALTER TABLE environment DROP COLUMN exposure;
ALTER TABLE environment RENAME COLUMN way TO exposure;
-- As the server said it last: 'connected', 'disconnected'; '' where none runs.
ALTER TABLE environment ADD COLUMN connector_state TEXT NOT NULL DEFAULT '';

CREATE TABLE connector_token (
    environment_id TEXT PRIMARY KEY,
    org_id         TEXT NOT NULL,
    tunnel         TEXT NOT NULL,
    sealed         BLOB NOT NULL,
    set_ms         BIGINT NOT NULL,
    set_by         TEXT NOT NULL,
    set_by_email   TEXT NOT NULL
);
)sql";

const std::string_view mail_columns = R"sql(
-- Mail of development and staging stays on the server unless somebody wants otherwise; that of production never does.
ALTER TABLE environment ADD COLUMN mail_capture INTEGER NOT NULL DEFAULT 1;
ALTER TABLE environment ADD COLUMN mail_days INTEGER NOT NULL DEFAULT 14;
ALTER TABLE environment ADD COLUMN mail_messages INTEGER NOT NULL DEFAULT 10000;
ALTER TABLE environment ADD COLUMN mail_bytes BIGINT NOT NULL DEFAULT 2147483648;
)sql";

} // namespace fairlead::environments
