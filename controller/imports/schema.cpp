#include "controller/imports/schema.hpp"

namespace fairlead::imports {

// `url` is without its query, which often lets whoever has it in: that is sealed, and dropped as
// soon as the server has fetched the file. `analysis`: JSON as the API shows it.
const std::string_view first_tables = R"sql(
CREATE TABLE import (
    id               TEXT PRIMARY KEY,
    org_id           TEXT NOT NULL,
    environment_id   TEXT NOT NULL,
    project_id       TEXT NOT NULL,
    server_id        TEXT NOT NULL,
    state            TEXT NOT NULL,
    path             TEXT NOT NULL,
    url              TEXT NOT NULL,
    filestore        TEXT NOT NULL,
    sha256           TEXT NOT NULL,
    sealed_query     BLOB,
    analysis         TEXT,
    fits             INTEGER NOT NULL DEFAULT 0,
    operation_id     TEXT NOT NULL,
    error_code       TEXT NOT NULL DEFAULT '',
    error_message    TEXT NOT NULL DEFAULT '',
    finished_ms      BIGINT,
    created_ms       BIGINT NOT NULL,
    created_by       TEXT NOT NULL,
    created_by_email TEXT NOT NULL
);
CREATE INDEX import_by_environment ON import (org_id, environment_id, id);
)sql";

} // namespace fairlead::imports
