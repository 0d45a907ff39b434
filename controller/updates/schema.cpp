#include "controller/updates/schema.hpp"

namespace fairlead::updates {

// One row a roll-out, with what the release signed at that time; one row for each server that it is
// about, which stays when the server goes.
const std::string_view first_tables = R"sql(
CREATE TABLE agent_rollout (
    id               TEXT PRIMARY KEY,
    org_id           TEXT NOT NULL,
    version          TEXT NOT NULL,
    package          TEXT NOT NULL,
    sums             TEXT NOT NULL,
    signature        TEXT NOT NULL,
    state            TEXT NOT NULL
        CHECK (state IN ('running', 'paused', 'stopped', 'succeeded', 'cancelled')),
    reason           TEXT NOT NULL,
    stages           TEXT NOT NULL,
    stage            INTEGER NOT NULL,
    soak_s           INTEGER NOT NULL,
    healthy_since_ms BIGINT,
    created_ms       BIGINT NOT NULL,
    created_by       TEXT,
    created_by_email TEXT NOT NULL,
    finished_ms      BIGINT
);
CREATE INDEX agent_rollout_by_org ON agent_rollout (org_id, id);
CREATE UNIQUE INDEX agent_rollout_open ON agent_rollout (org_id) WHERE state IN ('running', 'paused');

CREATE TABLE agent_rollout_server (
    rollout_id   TEXT NOT NULL,
    server_id    TEXT NOT NULL,
    org_id       TEXT NOT NULL,
    server_name  TEXT NOT NULL,
    stage        INTEGER NOT NULL,
    state        TEXT NOT NULL
        CHECK (state IN ('waiting', 'updating', 'healthy', 'refused', 'skipped', 'failed')),
    from_version TEXT NOT NULL,
    operation_id TEXT,
    problem      TEXT NOT NULL,
    not_before_ms BIGINT,
    updated_ms   BIGINT NOT NULL,
    PRIMARY KEY (rollout_id, server_id)
);
CREATE INDEX agent_rollout_server_by_org ON agent_rollout_server (org_id, rollout_id);
CREATE INDEX agent_rollout_server_by_operation ON agent_rollout_server (operation_id)
    WHERE operation_id IS NOT NULL;
)sql";

} // namespace fairlead::updates
