#include "controller/access/schema.hpp"

namespace fairlead::access {

// Links and sessions are known by the hash of their secret alone.
const std::string_view first_tables = R"sql(
CREATE TABLE app_user (
    id            TEXT PRIMARY KEY,
    email         TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_ms    BIGINT NOT NULL
);
CREATE TABLE setup_link (
    token_hash TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES app_user (id),
    expires_ms BIGINT NOT NULL
);
CREATE TABLE session (
    id           TEXT PRIMARY KEY,
    token_hash   TEXT NOT NULL UNIQUE,
    user_id      TEXT NOT NULL REFERENCES app_user (id),
    created_ms   BIGINT NOT NULL,
    last_used_ms BIGINT NOT NULL,
    expires_ms   BIGINT NOT NULL,
    address      TEXT NOT NULL,
    user_agent   TEXT NOT NULL
);
CREATE INDEX session_by_user ON session (user_id, last_used_ms);
CREATE TABLE proof_wait (
    subject  TEXT PRIMARY KEY,
    failures INTEGER NOT NULL,
    last_ms  BIGINT NOT NULL,
    until_ms BIGINT NOT NULL
);
CREATE INDEX proof_wait_by_age ON proof_wait (last_ms);
)sql";

const std::string_view idempotency_table = R"sql(
CREATE TABLE idempotency (
    user_id      TEXT NOT NULL,
    request_key  TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    answer       BLOB,
    created_ms   BIGINT NOT NULL,
    PRIMARY KEY (user_id, request_key)
);
CREATE INDEX idempotency_by_age ON idempotency (created_ms);
)sql";

} // namespace fairlead::access
