#include "controller/tunnels/schema.hpp"

namespace fairlead::tunnels {

// One `current` for an organization, or none where it was revoked. Its private half goes in the
// change that ends its signing: a key that only verifies needs none.
const std::string_view first_tables = R"sql(
CREATE TABLE tunnel_keys (
    id               TEXT PRIMARY KEY,
    org_id           TEXT NOT NULL,
    state            TEXT NOT NULL CHECK (state IN ('current', 'previous', 'ended', 'revoked')),
    public_key       TEXT NOT NULL,
    sealed_seed      BLOB,
    created_ms       BIGINT NOT NULL,
    created_by_email TEXT NOT NULL,
    ends_ms          BIGINT,
    CHECK ((state = 'current') = (sealed_seed IS NOT NULL)),
    CHECK ((state = 'current') = (ends_ms IS NULL))
);
CREATE UNIQUE INDEX tunnel_keys_current ON tunnel_keys (org_id) WHERE state = 'current';
CREATE INDEX tunnel_keys_by_org ON tunnel_keys (org_id, id);
CREATE INDEX tunnel_keys_ending ON tunnel_keys (ends_ms) WHERE state = 'previous';
)sql";

} // namespace fairlead::tunnels
