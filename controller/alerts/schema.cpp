#include "controller/alerts/schema.hpp"

namespace fairlead::alerts {

// `target_id`: the one server, environment or project that a rule is about; "": all. An alert is
// open until it is over: `told` once somebody was told that it fires. Names are as they were.
const std::string_view first_tables = R"sql(
CREATE TABLE alert_rule (
    id               TEXT PRIMARY KEY,
    org_id           TEXT NOT NULL,
    name             TEXT NOT NULL,
    kind             TEXT NOT NULL,
    enabled          INTEGER NOT NULL,
    target_id        TEXT NOT NULL,
    threshold        REAL NOT NULL,
    clear            REAL NOT NULL,
    wait_s           INTEGER NOT NULL,
    clear_wait_s     INTEGER NOT NULL,
    mail_owners      INTEGER NOT NULL,
    mail_members     TEXT NOT NULL,
    created_ms       BIGINT NOT NULL,
    created_by       TEXT NOT NULL,
    created_by_email TEXT NOT NULL
);
CREATE INDEX alert_rule_by_org ON alert_rule (org_id, id);

CREATE TABLE alert (
    id           TEXT PRIMARY KEY,
    org_id       TEXT NOT NULL,
    rule_id      TEXT NOT NULL,
    rule_name    TEXT NOT NULL,
    kind         TEXT NOT NULL,
    subject_id   TEXT NOT NULL,
    subject_name TEXT NOT NULL,
    state        TEXT NOT NULL,
    open         INTEGER NOT NULL,
    told         INTEGER NOT NULL,
    value        REAL NOT NULL,
    threshold    REAL NOT NULL,
    since_ms     BIGINT NOT NULL,
    fired_ms     BIGINT,
    ended_ms     BIGINT
);
CREATE INDEX alert_by_org ON alert (org_id, told, open, id);
CREATE UNIQUE INDEX alert_open ON alert (rule_id, subject_id) WHERE open = 1;
)sql";

} // namespace fairlead::alerts
