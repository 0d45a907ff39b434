#include "controller/authority/schema.hpp"

namespace fairlead::authority {

const std::string_view first_tables = R"sql(
CREATE TABLE authority (
    number       INTEGER PRIMARY KEY,
    name         TEXT NOT NULL,
    certificate  TEXT NOT NULL,
    sealed_key   BLOB NOT NULL,
    stage        TEXT NOT NULL,
    created_ms   BIGINT NOT NULL,
    not_after_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX authority_issuing ON authority (stage) WHERE stage = 'issuing';

-- Which authority each server's newest certificate is of, and the newest one that its agent knows.
CREATE TABLE agent_certificate (
    server_id    TEXT PRIMARY KEY,
    org_id       TEXT NOT NULL,
    authority    INTEGER NOT NULL REFERENCES authority (number),
    told         INTEGER NOT NULL,
    not_after_ms BIGINT NOT NULL
);
CREATE INDEX agent_certificate_by_authority ON agent_certificate (authority);

-- The controller's own, one row.
CREATE TABLE own_certificate (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    names        TEXT NOT NULL,
    chain        TEXT NOT NULL,
    sealed_key   BLOB NOT NULL,
    authority    INTEGER NOT NULL REFERENCES authority (number),
    issued_ms    BIGINT NOT NULL,
    not_after_ms BIGINT NOT NULL
);
)sql";

} // namespace fairlead::authority
