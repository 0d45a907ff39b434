#include "controller/cloudflare/schema.hpp"

namespace fairlead::cloudflare {

// One row for each name that the edge routes while a zone is configured. remote_id is what our POST
// returned: nothing else in the zone is ours. asked_ms: of a POST whose answer is not known. What
// leaves is of nobody any more, so that it also goes when its organization is erased first.
const std::string_view first_tables = R"sql(
CREATE TABLE custom_hostname (
    id            TEXT PRIMARY KEY,
    org_id        TEXT NOT NULL,
    name          TEXT NOT NULL UNIQUE,
    zone          TEXT NOT NULL,
    state         TEXT NOT NULL,
    remote_id     TEXT NOT NULL DEFAULT '',
    asked_ms      BIGINT,
    status        TEXT NOT NULL DEFAULT '',
    ssl_status    TEXT NOT NULL DEFAULT '',
    next_ms       BIGINT NOT NULL,
    looks         INTEGER NOT NULL DEFAULT 0,
    looked_ms     BIGINT,
    error_code    TEXT NOT NULL DEFAULT '',
    error_message TEXT NOT NULL DEFAULT '',
    created_ms    BIGINT NOT NULL
);
CREATE INDEX custom_hostname_by_org ON custom_hostname (org_id, next_ms);
CREATE INDEX custom_hostname_due ON custom_hostname (next_ms);

CREATE TABLE custom_hostname_leaving (
    number    INTEGER PRIMARY KEY,
    name      TEXT NOT NULL,
    zone      TEXT NOT NULL,
    remote_id TEXT NOT NULL,
    asked_ms  BIGINT,
    next_ms   BIGINT NOT NULL,
    failures  INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX custom_hostname_leaving_due ON custom_hostname_leaving (next_ms);
CREATE INDEX custom_hostname_leaving_name ON custom_hostname_leaving (name);
)sql";

} // namespace fairlead::cloudflare
