#include "controller/certificates/schema.hpp"

namespace fairlead::certificates {

// One row for each name that the edge routes. `chain` is PEM, "" until there is one. next_ms: when
// it is asked for (again), so of a certificate that is fine the time of its renewal. `running`: an
// attempt is under way, or was when the program ended. An attempt is remembered for as long as it
// counts. An account is one at the authority, and of nobody here.
const std::string_view first_tables = R"sql(
CREATE TABLE certificate (
    id               TEXT PRIMARY KEY,
    org_id           TEXT NOT NULL,
    name             TEXT NOT NULL UNIQUE,
    state            TEXT NOT NULL,
    running          INTEGER NOT NULL DEFAULT 0,
    chain            TEXT NOT NULL DEFAULT '',
    sealed_key       BLOB,
    issuer           TEXT NOT NULL DEFAULT '',
    serial           TEXT NOT NULL DEFAULT '',
    not_before_ms    BIGINT,
    not_after_ms     BIGINT,
    next_ms          BIGINT NOT NULL,
    failures         INTEGER NOT NULL DEFAULT 0,
    failing_since_ms BIGINT,
    error_code       TEXT NOT NULL DEFAULT '',
    error_message    TEXT NOT NULL DEFAULT '',
    told_failing     INTEGER NOT NULL DEFAULT 0,
    told_ending      INTEGER NOT NULL DEFAULT 0,
    created_ms       BIGINT NOT NULL
);
CREATE INDEX certificate_by_org ON certificate (org_id, id);
CREATE INDEX certificate_due ON certificate (next_ms);

CREATE TABLE certificate_attempt (
    org_id TEXT NOT NULL,
    name   TEXT NOT NULL,
    at_ms  BIGINT NOT NULL
);
CREATE INDEX certificate_attempt_at ON certificate_attempt (at_ms);
CREATE INDEX certificate_attempt_by_org ON certificate_attempt (org_id, at_ms);

CREATE TABLE acme_account (
    directory       TEXT PRIMARY KEY,
    contact         TEXT NOT NULL,
    sealed_key      BLOB NOT NULL,
    registered_ms   BIGINT,
    failures        INTEGER NOT NULL DEFAULT 0,
    paused_until_ms BIGINT,
    error_code      TEXT NOT NULL DEFAULT '',
    error_message   TEXT NOT NULL DEFAULT ''
);
)sql";

// `asked`: somebody does not want to wait, not even for the end of a pause. A pause of before may
// hold what the authority said about one name, and is over.
const std::string_view asked_column = R"sql(
ALTER TABLE certificate ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;
UPDATE acme_account SET failures = 0, paused_until_ms = NULL, error_code = '', error_message = '';
)sql";

} // namespace fairlead::certificates
