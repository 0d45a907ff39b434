#include "controller/webhooks/schema.hpp"

namespace fairlead::webhooks {

// `events` is a JSON list, empty for all of them. sealed_old signs too until old_until_ms.
// A delivery's id is its webhook-id. `tries` are the attempts since its schedule began, `attempts`
// all of them. `about` is the id of what it tells of. by_hand: somebody asked for it.
const std::string_view first_tables = R"sql(
CREATE TABLE webhook (
    id                TEXT PRIMARY KEY,
    org_id            TEXT NOT NULL,
    url               TEXT NOT NULL,
    description       TEXT NOT NULL,
    events            TEXT NOT NULL,
    state             TEXT NOT NULL,
    disabled_ms       BIGINT,
    disabled_code     TEXT NOT NULL DEFAULT '',
    disabled_message  TEXT NOT NULL DEFAULT '',
    disabled_delivery TEXT NOT NULL DEFAULT '',
    sealed_secret     BLOB NOT NULL,
    sealed_old        BLOB,
    old_until_ms      BIGINT,
    rotated_ms        BIGINT,
    last_delivered_ms BIGINT,
    last_failed_ms    BIGINT,
    created_ms        BIGINT NOT NULL,
    created_by        TEXT NOT NULL,
    created_by_email  TEXT NOT NULL
);
CREATE INDEX webhook_by_org ON webhook (org_id, id);

CREATE TABLE webhook_delivery (
    id            TEXT PRIMARY KEY,
    org_id        TEXT NOT NULL,
    webhook_id    TEXT NOT NULL,
    event         TEXT NOT NULL,
    about         TEXT NOT NULL,
    payload       TEXT NOT NULL,
    state         TEXT NOT NULL,
    by_hand       INTEGER NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0,
    tries         INTEGER NOT NULL DEFAULT 0,
    created_ms    BIGINT NOT NULL,
    next_ms       BIGINT,
    delivered_ms  BIGINT,
    status        INTEGER,
    error_code    TEXT NOT NULL DEFAULT '',
    error_message TEXT NOT NULL DEFAULT ''
);
CREATE INDEX webhook_delivery_by_webhook ON webhook_delivery (org_id, webhook_id, id);
CREATE INDEX webhook_delivery_about ON webhook_delivery (org_id, webhook_id, about);
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (org_id, webhook_id, next_ms) WHERE state = 'waiting';

CREATE TABLE webhook_attempt (
    delivery_id   TEXT NOT NULL,
    number        INTEGER NOT NULL,
    org_id        TEXT NOT NULL,
    at_ms         BIGINT NOT NULL,
    duration_ms   BIGINT NOT NULL,
    status        INTEGER,
    error_code    TEXT NOT NULL,
    error_message TEXT NOT NULL,
    response      TEXT,
    PRIMARY KEY (delivery_id, number)
);
)sql";

} // namespace fairlead::webhooks
