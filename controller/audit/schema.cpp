#include "controller/audit/schema.hpp"

namespace fairlead::audit {

const std::string_view first_tables = R"sql(
CREATE TABLE audit_entry (
    id          TEXT PRIMARY KEY,
    org_id      TEXT NOT NULL,
    at_ms       BIGINT NOT NULL,
    actor_type  TEXT NOT NULL,
    actor_id    TEXT,
    actor_label TEXT NOT NULL,
    action      TEXT NOT NULL,
    target_type TEXT,
    target_id   TEXT,
    target_name TEXT,
    result      TEXT NOT NULL,
    address     TEXT,
    user_agent  TEXT,
    request_id  TEXT,
    before_json TEXT,
    after_json  TEXT
);
CREATE INDEX audit_entry_by_org ON audit_entry (org_id, id);
CREATE INDEX audit_entry_by_target ON audit_entry (org_id, target_id, id);
CREATE TRIGGER audit_entry_unchanged BEFORE UPDATE ON audit_entry
    BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END;
CREATE TRIGGER audit_entry_kept BEFORE DELETE ON audit_entry
    BEGIN SELECT RAISE(ABORT, 'audit entries are never deleted'); END;
)sql";

} // namespace fairlead::audit
