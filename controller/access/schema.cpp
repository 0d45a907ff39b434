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

// How each session was opened, and tokens that are good for minutes and once. The people of before
// were all made by `init` or by hand of whoever runs the installation.
const std::string_view proofs = R"sql(
ALTER TABLE app_user ADD COLUMN verified_ms BIGINT;
ALTER TABLE app_user ADD COLUMN operator INTEGER NOT NULL DEFAULT 0;
UPDATE app_user SET verified_ms = created_ms, operator = 1;
ALTER TABLE session ADD COLUMN method TEXT NOT NULL DEFAULT 'password';
ALTER TABLE session ADD COLUMN issuer TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN second_factor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN elevated_ms BIGINT NOT NULL DEFAULT 0;
CREATE TABLE challenge (
    token_hash TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    user_id    TEXT,
    session_id TEXT,
    sealed     BLOB NOT NULL,
    failures   INTEGER NOT NULL DEFAULT 0,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL
);
CREATE INDEX challenge_by_age ON challenge (expires_ms);
CREATE INDEX challenge_by_user ON challenge (user_id, created_ms);
)sql";

// Of keys only hashes are stored. Buckets that are full again have no row.
const std::string_view keys_and_rates = R"sql(
CREATE TABLE api_key (
    id               TEXT PRIMARY KEY,
    org_id           TEXT NOT NULL,
    name             TEXT NOT NULL,
    kind             TEXT NOT NULL,
    hint             TEXT NOT NULL,
    token_hash       TEXT NOT NULL UNIQUE,
    permissions      TEXT NOT NULL,
    limited          INTEGER NOT NULL,
    addresses        TEXT NOT NULL,
    expires_ms       BIGINT,
    created_ms       BIGINT NOT NULL,
    created_by       TEXT NOT NULL,
    created_by_email TEXT NOT NULL,
    last_used_ms     BIGINT
);
CREATE INDEX api_key_by_org ON api_key (org_id, id);
CREATE TABLE rate_bucket (
    caller      TEXT PRIMARY KEY,
    reads_left  BIGINT NOT NULL,
    reads_ms    BIGINT NOT NULL,
    writes_left BIGINT NOT NULL,
    writes_ms   BIGINT NOT NULL,
    used_ms     BIGINT NOT NULL
);
)sql";

// `org_id` is the client's organization. A grant has a role of the client, or permissions of its
// own.
const std::string_view connect_and_support = R"sql(
CREATE TABLE connect_grant (
    id               TEXT PRIMARY KEY,
    org_id           TEXT NOT NULL,
    agency_id        TEXT NOT NULL,
    role             TEXT NOT NULL,
    permissions      TEXT NOT NULL,
    limited          INTEGER NOT NULL,
    note             TEXT NOT NULL,
    expires_ms       BIGINT NOT NULL,
    created_ms       BIGINT NOT NULL,
    created_by       TEXT NOT NULL,
    created_by_email TEXT NOT NULL,
    revoked_ms       BIGINT
);
CREATE INDEX connect_grant_by_client ON connect_grant (org_id, id);
CREATE INDEX connect_grant_by_agency ON connect_grant (agency_id, id);
CREATE TABLE connect_session (
    id            TEXT PRIMARY KEY,
    grant_id      TEXT NOT NULL,
    org_id        TEXT NOT NULL,
    agency_id     TEXT NOT NULL,
    user_id       TEXT NOT NULL,
    user_email    TEXT NOT NULL,
    session_id    TEXT NOT NULL,
    reason        TEXT NOT NULL,
    started_ms    BIGINT NOT NULL,
    expires_ms    BIGINT NOT NULL,
    ended_ms      BIGINT,
    ended_because TEXT NOT NULL
);
CREATE INDEX connect_session_by_client ON connect_session (org_id, id);
CREATE INDEX connect_session_by_agency ON connect_session (agency_id, id);
CREATE INDEX connect_session_by_age ON connect_session (ended_ms);
CREATE INDEX connect_session_open ON connect_session (session_id) WHERE ended_ms IS NULL;
-- One row: what their tokens are signed with.
CREATE TABLE connect_key (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    sealed_seed BLOB NOT NULL
);
CREATE TABLE support_access (
    id               TEXT PRIMARY KEY,
    org_id           TEXT NOT NULL,
    reason           TEXT NOT NULL,
    ticket           TEXT NOT NULL,
    created_ms       BIGINT NOT NULL,
    created_by       TEXT NOT NULL,
    created_by_email TEXT NOT NULL,
    expires_ms       BIGINT NOT NULL,
    ended_ms         BIGINT,
    used_ms          BIGINT
);
CREATE INDEX support_access_by_org ON support_access (org_id, id);
)sql";

// A key counts once it is confirmed; last_step is that of the last code that counted. Recovery
// codes are known by their hashes.
const std::string_view second_factor_tables = R"sql(
CREATE TABLE totp (
    user_id      TEXT PRIMARY KEY REFERENCES app_user (id),
    sealed       BLOB NOT NULL,
    created_ms   BIGINT NOT NULL,
    confirmed_ms BIGINT,
    last_step    BIGINT NOT NULL
);
CREATE TABLE recovery_code (
    user_id   TEXT NOT NULL REFERENCES app_user (id),
    code_hash TEXT NOT NULL,
    used_ms   BIGINT,
    PRIMARY KEY (user_id, code_hash)
);
)sql";

// A credential belongs to one person, whoever tries to register it again.
const std::string_view passkey_table = R"sql(
CREATE TABLE passkey (
    id              TEXT PRIMARY KEY,
    user_id         TEXT NOT NULL REFERENCES app_user (id),
    name            TEXT NOT NULL,
    credential_id   TEXT NOT NULL UNIQUE,
    public_key      BLOB NOT NULL,
    sign_count      BIGINT NOT NULL,
    aaguid          TEXT NOT NULL,
    transports      TEXT NOT NULL,
    user_verified   INTEGER NOT NULL,
    backup_eligible INTEGER NOT NULL,
    backed_up       INTEGER NOT NULL,
    created_ms      BIGINT NOT NULL,
    last_used_ms    BIGINT
);
CREATE INDEX passkey_by_user ON passkey (user_id, created_ms);
)sql";

} // namespace fairlead::access
