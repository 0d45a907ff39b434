#include "controller/fleet/schema.hpp"

namespace fairlead::fleet {

const std::string_view first_tables = R"sql(
CREATE TABLE registration_token (
    id               TEXT PRIMARY KEY,
    org_id           TEXT NOT NULL,
    name             TEXT NOT NULL,
    token_hash       TEXT NOT NULL UNIQUE,
    labels           TEXT NOT NULL,
    max_uses         INTEGER NOT NULL,
    uses             INTEGER NOT NULL DEFAULT 0,
    expires_ms       BIGINT NOT NULL,
    created_ms       BIGINT NOT NULL,
    created_by       TEXT NOT NULL,
    created_by_email TEXT NOT NULL,
    revoked_ms       BIGINT
);
CREATE INDEX registration_token_by_org ON registration_token (org_id, id);

CREATE TABLE server (
    id            TEXT PRIMARY KEY,
    org_id        TEXT NOT NULL,
    name          TEXT NOT NULL,
    labels        TEXT NOT NULL,
    status        TEXT NOT NULL,
    last_seen_ms  BIGINT,
    enrolled_ms   BIGINT NOT NULL,
    revoked_ms    BIGINT,
    token_id      TEXT,
    agent_version TEXT NOT NULL DEFAULT '',
    capability    INTEGER,
    facts         TEXT NOT NULL DEFAULT '{}',
    spki_sha256   TEXT NOT NULL UNIQUE,
    serial        TEXT NOT NULL,
    not_after_ms  BIGINT NOT NULL,
    recoveries    INTEGER NOT NULL DEFAULT 0,
    UNIQUE (org_id, name)
);
CREATE INDEX server_by_status ON server (status);

-- Keys that were revoked stay refused after their server is taken off the list.
CREATE TABLE revoked_key (
    spki_sha256 TEXT PRIMARY KEY,
    org_id      TEXT NOT NULL,
    server_id   TEXT NOT NULL,
    revoked_ms  BIGINT NOT NULL
);

-- Sums over one period of 30 or 600 seconds; divided by samples when read.
CREATE TABLE server_point (
    server_id    TEXT NOT NULL,
    period_s     INTEGER NOT NULL,
    at_ms        BIGINT NOT NULL,
    org_id       TEXT NOT NULL,
    samples      INTEGER NOT NULL,
    cpu_percent  REAL NOT NULL,
    memory_bytes REAL NOT NULL,
    disk_bytes   REAL NOT NULL,
    load1        REAL NOT NULL,
    PRIMARY KEY (server_id, period_s, at_ms)
);
CREATE INDEX server_point_by_age ON server_point (period_s, at_ms);
)sql";

const std::string_view terminal_users_column = R"sql(
ALTER TABLE server ADD COLUMN terminal_users TEXT NOT NULL DEFAULT '[]';
)sql";

} // namespace fairlead::fleet
