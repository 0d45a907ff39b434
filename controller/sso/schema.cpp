#include "controller/sso/schema.hpp"

namespace fairlead::sso {

// An identity is a person at a provider: an issuer and the name that it never gives to another. No
// token of a provider's is kept. Attempts are those that came back, so that none does twice.
const std::string_view first_tables = R"sql(
CREATE TABLE sign_in_identity (
    id           TEXT PRIMARY KEY,
    user_id      TEXT NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    provider     TEXT NOT NULL,
    issuer       TEXT NOT NULL,
    subject      TEXT NOT NULL,
    email        TEXT NOT NULL,
    created_ms   BIGINT NOT NULL,
    last_used_ms BIGINT NOT NULL,
    UNIQUE (issuer, subject)
);
CREATE INDEX sign_in_identity_by_user ON sign_in_identity (user_id, created_ms);
CREATE TABLE sign_in_attempt (
    state_hash TEXT PRIMARY KEY,
    expires_ms BIGINT NOT NULL
);
CREATE INDEX sign_in_attempt_by_age ON sign_in_attempt (expires_ms);
)sql";

} // namespace fairlead::sso
