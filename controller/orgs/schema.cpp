#include "controller/orgs/schema.hpp"

namespace fairlead::orgs {

const std::string_view first_tables = R"sql(
CREATE TABLE org (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    slug       TEXT NOT NULL UNIQUE,
    plan       TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE TABLE membership (
    org_id     TEXT NOT NULL REFERENCES org (id),
    user_id    TEXT NOT NULL,
    role       TEXT NOT NULL,
    owner      INTEGER NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (org_id, user_id)
);
CREATE INDEX membership_by_user ON membership (user_id);
)sql";

// `role` of a membership is built in, or the id of a row of `role`. What is not set in
// `org_setting` has its default.
const std::string_view roles_and_settings = R"sql(
ALTER TABLE membership ADD COLUMN limited INTEGER NOT NULL DEFAULT 0;
ALTER TABLE membership ADD COLUMN granted TEXT NOT NULL DEFAULT '[]';
ALTER TABLE membership ADD COLUMN withdrawn TEXT NOT NULL DEFAULT '[]';
ALTER TABLE membership ADD COLUMN connect_as INTEGER NOT NULL DEFAULT 1;
CREATE TABLE role (
    id          TEXT PRIMARY KEY,
    org_id      TEXT NOT NULL REFERENCES org (id),
    name        TEXT NOT NULL,
    permissions TEXT NOT NULL,
    created_ms  BIGINT NOT NULL,
    UNIQUE (org_id, name)
);
CREATE TABLE org_setting (
    org_id              TEXT NOT NULL PRIMARY KEY REFERENCES org (id),
    sso_required        TEXT NOT NULL DEFAULT '',
    two_factor_required INTEGER NOT NULL DEFAULT 0,
    clone_enabled       INTEGER NOT NULL DEFAULT 1,
    connect_as_enabled  INTEGER NOT NULL DEFAULT 1,
    downloads           TEXT NOT NULL DEFAULT '[]',
    addresses           TEXT NOT NULL DEFAULT '[]'
);
-- The projects that a limited membership, key or grant sees; the holder is its id.
CREATE TABLE project_limit (
    org_id     TEXT NOT NULL REFERENCES org (id),
    holder     TEXT NOT NULL,
    project_id TEXT NOT NULL,
    PRIMARY KEY (org_id, holder, project_id)
);
)sql";

// A deleted organization keeps its row, for its audit log stays and can be checked. An invitation
// is known by the hash of its token alone; `projects` is a JSON list, or NULL for all.
const std::string_view invitations = R"sql(
ALTER TABLE org ADD COLUMN deleted_ms BIGINT;
CREATE TABLE invitation (
    id               TEXT PRIMARY KEY,
    org_id           TEXT NOT NULL REFERENCES org (id),
    token_hash       TEXT NOT NULL UNIQUE,
    email            TEXT NOT NULL,
    role             TEXT NOT NULL,
    projects         TEXT,
    max_uses         INTEGER NOT NULL,
    uses             INTEGER NOT NULL DEFAULT 0,
    expires_ms       BIGINT NOT NULL,
    revoked_ms       BIGINT,
    created_ms       BIGINT NOT NULL,
    created_by       TEXT NOT NULL,
    created_by_email TEXT NOT NULL
);
CREATE INDEX invitation_by_org ON invitation (org_id, id);
)sql";

// `mail_hash` is of a token that only the letter has. An invitation from before has none, so nobody
// registers by it any more.
const std::string_view invitation_letters = R"sql(
ALTER TABLE invitation ADD COLUMN mail_hash TEXT;
CREATE UNIQUE INDEX invitation_by_mail ON invitation (mail_hash) WHERE mail_hash IS NOT NULL;
)sql";

} // namespace fairlead::orgs
