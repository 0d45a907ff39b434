#include "controller/ssh/schema.hpp"

namespace fairlead::ssh {

// Public halves alone: there is no column that a private one could come into. `ssh_list` is what a
// server was asked for last for one of its users, `ssh_server` what it says of itself.
const std::string_view first_tables = R"sql(
CREATE TABLE ssh_key (
    id               TEXT PRIMARY KEY,
    org_id           TEXT NOT NULL,
    server_id        TEXT NOT NULL,
    unix_user        TEXT NOT NULL,
    label            TEXT NOT NULL,
    public_key       TEXT NOT NULL,
    fingerprint      TEXT NOT NULL,
    type             TEXT NOT NULL,
    bits             INTEGER NOT NULL,
    state            TEXT NOT NULL
        CHECK (state IN ('adding', 'active', 'proving', 'removing', 'missing')),
    replaces         TEXT,
    created_ms       BIGINT NOT NULL,
    created_by       TEXT,
    created_by_email TEXT NOT NULL,
    confirmed_ms     BIGINT,
    UNIQUE (server_id, unix_user, fingerprint)
);
CREATE INDEX ssh_key_by_server ON ssh_key (org_id, server_id, unix_user, id);

CREATE TABLE ssh_list (
    server_id    TEXT NOT NULL,
    unix_user    TEXT NOT NULL,
    org_id       TEXT NOT NULL,
    operation_id TEXT NOT NULL,
    problem_code TEXT NOT NULL,
    problem      TEXT NOT NULL,
    PRIMARY KEY (server_id, unix_user)
);

CREATE TABLE ssh_server (
    server_id TEXT PRIMARY KEY,
    org_id    TEXT NOT NULL,
    users     TEXT NOT NULL,
    port      INTEGER NOT NULL,
    problem   TEXT NOT NULL,
    told_ms   BIGINT NOT NULL
);
)sql";

} // namespace fairlead::ssh
