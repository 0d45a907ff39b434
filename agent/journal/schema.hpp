/// The tables of the journal. Steps only add, and what they add to a table has a default: an update
/// of the agent that is taken back leaves a journal of the newer one to the one before.
#pragma once

#include "common/store/migration.hpp"

#include <array>

namespace fairlead::journal {

inline constexpr std::array<store::Migration, 2> migrations{{
    {1, "first tables", R"sql(
CREATE TABLE journal (
    name          TEXT NOT NULL,
    last_seq      INTEGER NOT NULL,
    acknowledged  INTEGER NOT NULL,
    highest_fence INTEGER NOT NULL,
    pruned_fence  INTEGER NOT NULL
);
CREATE TABLE operation (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT NOT NULL UNIQUE,
    kind         TEXT NOT NULL,
    fence        INTEGER UNIQUE,
    slug         TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    args         TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('accepted', 'running', 'undoing', 'finished')),
    cancel       INTEGER NOT NULL DEFAULT 0,
    accepted_ms  INTEGER NOT NULL,
    finished_ms  INTEGER,
    finished     TEXT,
    log_lines    INTEGER NOT NULL DEFAULT 0,
    log_bytes    INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX operation_unfinished ON operation (number) WHERE state <> 'finished';
CREATE TABLE step (
    operation TEXT NOT NULL REFERENCES operation (id) ON DELETE CASCADE,
    position  INTEGER NOT NULL,
    report    TEXT NOT NULL,
    PRIMARY KEY (operation, position)
) WITHOUT ROWID;
CREATE TABLE fact (
    operation TEXT NOT NULL REFERENCES operation (id) ON DELETE CASCADE,
    name      TEXT NOT NULL,
    value     TEXT NOT NULL,
    PRIMARY KEY (operation, name)
) WITHOUT ROWID;
CREATE TABLE report (
    seq       INTEGER PRIMARY KEY,
    operation TEXT NOT NULL,
    kind      TEXT NOT NULL,
    body      TEXT NOT NULL
);
CREATE INDEX report_operation ON report (operation, kind);
)sql"},
    {2, "operations that the server began itself", R"sql(
ALTER TABLE operation ADD COLUMN born TEXT NOT NULL DEFAULT '';
)sql"},
}};

} // namespace fairlead::journal
