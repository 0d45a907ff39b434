#include "controller/mail/schema.hpp"

namespace fairlead::mail {

// `sealed` holds subject, text and link. next_ms is the next attempt; NULL: given up.
const std::string_view first_tables = R"sql(
CREATE TABLE outgoing_mail (
    id         TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    recipient  TEXT NOT NULL,
    sealed     BLOB NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    attempts   INTEGER NOT NULL,
    next_ms    BIGINT,
    last_error TEXT NOT NULL
);
CREATE INDEX outgoing_mail_due ON outgoing_mail (next_ms);
CREATE INDEX outgoing_mail_by_recipient ON outgoing_mail (recipient, kind);
)sql";

} // namespace fairlead::mail
