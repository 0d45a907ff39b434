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

} // namespace fairlead::orgs
