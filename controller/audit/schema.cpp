#include "controller/audit/schema.hpp"

namespace fairlead::audit {

// The text of an entry may go when its time is over; its leaf, and the tree above it, stay for
// ever.
const std::string_view first_tables = R"sql(
CREATE TABLE audit_entry (
    id              TEXT NOT NULL,
    org_id          TEXT NOT NULL,
    seq             BIGINT NOT NULL,
    at_ms           BIGINT NOT NULL,
    actor_type      TEXT NOT NULL,
    actor_id        TEXT,
    actor_label     TEXT NOT NULL,
    on_behalf_of    TEXT,
    connect_session TEXT,
    action          TEXT NOT NULL,
    target_type     TEXT,
    target_id       TEXT,
    target_name     TEXT,
    result          TEXT NOT NULL,
    address         TEXT,
    user_agent      TEXT,
    request_id      TEXT,
    before_json     TEXT,
    after_json      TEXT,
    UNIQUE (org_id, seq),
    UNIQUE (org_id, id)
);
CREATE INDEX audit_entry_by_target ON audit_entry (org_id, target_id, id);
CREATE INDEX audit_entry_by_age ON audit_entry (org_id, at_ms);

-- RFC 6962: the hash of each entry, from 0 without gaps.
CREATE TABLE audit_leaf (
    org_id TEXT NOT NULL,
    seq    BIGINT NOT NULL,
    hash   BLOB NOT NULL,
    PRIMARY KEY (org_id, seq)
) WITHOUT ROWID;
-- Roots of whole subtrees of 256, 65536, … leaves, so that proofs read few rows.
CREATE TABLE audit_node (
    org_id TEXT NOT NULL,
    level  INTEGER NOT NULL,
    place  BIGINT NOT NULL,
    hash   BLOB NOT NULL,
    PRIMARY KEY (org_id, level, place)
) WITHOUT ROWID;
CREATE TABLE audit_checkpoint (
    org_id TEXT NOT NULL,
    size   BIGINT NOT NULL,
    at_ms  BIGINT NOT NULL,
    note   TEXT NOT NULL,
    PRIMARY KEY (org_id, size)
) WITHOUT ROWID;
-- Entries from before this moment may be dropped; it never goes back.
CREATE TABLE audit_retention (
    org_id    TEXT PRIMARY KEY,
    before_ms BIGINT NOT NULL
) WITHOUT ROWID;
-- What each server has seen of the log, as it told it last.
CREATE TABLE audit_witness (
    org_id      TEXT NOT NULL,
    server_id   TEXT NOT NULL,
    server_name TEXT NOT NULL,
    size        BIGINT NOT NULL,
    root        TEXT NOT NULL,
    verifier    TEXT NOT NULL,
    seen_ms     BIGINT NOT NULL,
    fork        TEXT,
    fork_ms     BIGINT,
    PRIMARY KEY (org_id, server_id)
) WITHOUT ROWID;
-- One row: what checkpoints are signed with.
CREATE TABLE audit_key (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    name        TEXT NOT NULL,
    public_key  BLOB NOT NULL,
    sealed_seed BLOB NOT NULL
);

CREATE TRIGGER audit_entry_unchanged BEFORE UPDATE ON audit_entry
    BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END;
CREATE TRIGGER audit_entry_kept BEFORE DELETE ON audit_entry
    WHEN OLD.at_ms >= coalesce((SELECT before_ms FROM audit_retention WHERE org_id = OLD.org_id), OLD.at_ms)
    BEGIN SELECT RAISE(ABORT, 'audit entries are kept until their time is over'); END;
CREATE TRIGGER audit_leaf_unchanged BEFORE UPDATE ON audit_leaf
    BEGIN SELECT RAISE(ABORT, 'the audit tree is never changed'); END;
CREATE TRIGGER audit_leaf_kept BEFORE DELETE ON audit_leaf
    BEGIN SELECT RAISE(ABORT, 'the audit tree is never cut'); END;
CREATE TRIGGER audit_leaf_next BEFORE INSERT ON audit_leaf
    WHEN NEW.seq <> coalesce((SELECT max(seq) + 1 FROM audit_leaf WHERE org_id = NEW.org_id), 0)
    BEGIN SELECT RAISE(ABORT, 'the audit tree has no gaps'); END;
CREATE TRIGGER audit_node_unchanged BEFORE UPDATE ON audit_node
    BEGIN SELECT RAISE(ABORT, 'the audit tree is never changed'); END;
CREATE TRIGGER audit_node_kept BEFORE DELETE ON audit_node
    BEGIN SELECT RAISE(ABORT, 'the audit tree is never cut'); END;
CREATE TRIGGER audit_checkpoint_unchanged BEFORE UPDATE ON audit_checkpoint
    BEGIN SELECT RAISE(ABORT, 'checkpoints are never changed'); END;
CREATE TRIGGER audit_checkpoint_kept BEFORE DELETE ON audit_checkpoint
    BEGIN SELECT RAISE(ABORT, 'checkpoints are never deleted'); END;
CREATE TRIGGER audit_retention_forward BEFORE UPDATE ON audit_retention
    WHEN NEW.before_ms < OLD.before_ms
    BEGIN SELECT RAISE(ABORT, 'what was dropped does not come back'); END;
)sql";

// Whoever begins what lasts; gone with its end.
const std::string_view lasting_table = R"sql(
CREATE TABLE audit_lasting (
    org_id TEXT NOT NULL,
    id     TEXT NOT NULL,
    due    TEXT NOT NULL,
    PRIMARY KEY (org_id, id)
) WITHOUT ROWID;
)sql";

// Who has only the database can write any row, so a horizon counts as far as its note is signed.
// What was dropped before there were signed ones is taken over once, when the notary first starts
// after this step: the place of the first text that is there, but none that a checkpoint shows to
// be from after the moment up to which texts had been dropped.
const std::string_view signed_horizons = R"sql(
CREATE TABLE audit_horizon (
    org_id TEXT PRIMARY KEY,
    below  BIGINT NOT NULL,
    note   TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO audit_horizon (org_id, below, note)
    SELECT org_id, below, '' FROM (
        SELECT org_id, min(
            coalesce((SELECT min(seq) FROM audit_entry WHERE org_id = old.org_id),
                     (SELECT max(seq) + 1 FROM audit_leaf WHERE org_id = old.org_id), 0),
            coalesce((SELECT min(size) FROM audit_checkpoint
                      WHERE org_id = old.org_id AND at_ms >= old.before_ms), 9223372036854775807)
        ) AS below FROM audit_retention AS old
    ) WHERE below > 0;
DROP TRIGGER IF EXISTS audit_entry_kept;
DROP TABLE audit_retention;
ALTER TABLE audit_key ADD COLUMN signs_horizons INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER audit_entry_kept BEFORE DELETE ON audit_entry
    WHEN OLD.seq >= coalesce((SELECT below FROM audit_horizon WHERE org_id = OLD.org_id), 0)
    BEGIN SELECT RAISE(ABORT, 'audit entries are kept until their time is over'); END;
CREATE TRIGGER audit_horizon_forward BEFORE UPDATE ON audit_horizon
    WHEN NEW.below < OLD.below
    BEGIN SELECT RAISE(ABORT, 'what was dropped does not come back'); END;
CREATE TRIGGER audit_horizon_kept BEFORE DELETE ON audit_horizon
    BEGIN SELECT RAISE(ABORT, 'what was dropped is never forgotten'); END;
)sql";

} // namespace fairlead::audit
