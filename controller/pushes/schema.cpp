#include "controller/pushes/schema.hpp"

namespace fairlead::pushes {

// `push_hook`: one an environment. `token` is the end of its address; who knows it can do nothing
// without the secret. `push_delivery`: what was taken already.
const std::string_view first_tables = R"sql(
CREATE TABLE push_hook (
    org_id           TEXT NOT NULL,
    environment_id   TEXT NOT NULL,
    token            TEXT NOT NULL UNIQUE,
    enabled          INTEGER NOT NULL,
    repositories     TEXT,
    backup_first     INTEGER NOT NULL,
    sealed           BLOB NOT NULL,
    sealed_old       BLOB,
    secret_made_ms   BIGINT NOT NULL,
    old_until_ms     BIGINT,
    refused_count    BIGINT NOT NULL DEFAULT 0,
    refused_ms       BIGINT,
    waiting          TEXT,
    last_body        TEXT NOT NULL DEFAULT '',
    created_ms       BIGINT NOT NULL,
    created_by       TEXT NOT NULL,
    created_by_email TEXT NOT NULL,
    PRIMARY KEY (org_id, environment_id)
);
CREATE INDEX push_hook_waiting ON push_hook (waiting) WHERE waiting IS NOT NULL;

CREATE TABLE push (
    id             TEXT PRIMARY KEY,
    org_id         TEXT NOT NULL,
    environment_id TEXT NOT NULL,
    provider       TEXT NOT NULL,
    event          TEXT NOT NULL,
    repository     TEXT NOT NULL,
    branch         TEXT NOT NULL,
    commit_id      TEXT NOT NULL,
    pusher         TEXT NOT NULL,
    outcome        TEXT NOT NULL,
    reason         TEXT NOT NULL,
    detail         TEXT NOT NULL,
    operation_id   TEXT,
    received_ms    BIGINT NOT NULL
);
CREATE INDEX push_by_environment ON push (org_id, environment_id, id);

CREATE TABLE push_delivery (
    org_id         TEXT NOT NULL,
    environment_id TEXT NOT NULL,
    delivery       TEXT NOT NULL,
    seen_ms        BIGINT NOT NULL,
    PRIMARY KEY (org_id, environment_id, delivery)
);
)sql";

} // namespace fairlead::pushes
