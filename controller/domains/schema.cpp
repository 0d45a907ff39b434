#include "controller/domains/schema.hpp"

namespace fairlead::domains {

// `name` as names.hpp has it. `tree` is its labels from the top, each with a dot behind it and
// without the wildcard's star, so that what lies below a name is a range. `token` is no secret:
// whoever proves a name publishes it. next_check_ms: when somebody looks again.
const std::string_view first_tables = R"sql(
CREATE TABLE domains (
    id               TEXT PRIMARY KEY,
    org_id           TEXT NOT NULL,
    name             TEXT NOT NULL,
    tree             TEXT NOT NULL,
    state            TEXT NOT NULL CHECK (state IN ('pending', 'verified', 'failed')),
    token            TEXT NOT NULL UNIQUE,
    method           TEXT NOT NULL DEFAULT '',
    tries            INTEGER NOT NULL DEFAULT 0,
    created_ms       BIGINT NOT NULL,
    created_by       TEXT NOT NULL,
    created_by_email TEXT NOT NULL,
    expires_ms       BIGINT,
    verified_ms      BIGINT,
    checked_ms       BIGINT,
    failing_ms       BIGINT,
    failed_ms        BIGINT,
    next_check_ms    BIGINT,
    asked_ms         BIGINT,
    hour_ms          BIGINT NOT NULL DEFAULT 0,
    hour_checks      INTEGER NOT NULL DEFAULT 0,
    error_code       TEXT NOT NULL DEFAULT '',
    error_message    TEXT NOT NULL DEFAULT '',
    UNIQUE (org_id, name)
);
CREATE UNIQUE INDEX domains_verified ON domains (name) WHERE state = 'verified';
CREATE INDEX domains_verified_tree ON domains (tree) WHERE state = 'verified';
CREATE INDEX domains_due ON domains (next_check_ms) WHERE next_check_ms IS NOT NULL;
)sql";

// Looks asked for by hand, for an hour. By name, not by claim: a claim that is deleted and made
// again has no more of them.
const std::string_view counted_looks = R"sql(
CREATE TABLE domain_look (
    org_id TEXT NOT NULL,
    name   TEXT NOT NULL,
    at_ms  BIGINT NOT NULL
);
CREATE INDEX domain_look_at ON domain_look (at_ms);
CREATE INDEX domain_look_by_org ON domain_look (org_id, at_ms);
ALTER TABLE domains DROP COLUMN hour_ms;
ALTER TABLE domains DROP COLUMN hour_checks;
)sql";

} // namespace fairlead::domains
