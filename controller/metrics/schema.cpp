#include "controller/metrics/schema.hpp"

namespace fairlead::metrics {

// A row for an hour of points at 30 s, or a day of points at 10 min, of one server or environment
// (block.hpp). It takes the place of a row for each point; what that held is gone.
const std::string_view first_tables = R"sql(
DROP TABLE server_point;
CREATE TABLE metric_block (
    subject_id TEXT NOT NULL,
    period_s   INTEGER NOT NULL,
    start_ms   BIGINT NOT NULL,
    org_id     TEXT NOT NULL,
    points     BLOB NOT NULL,
    PRIMARY KEY (subject_id, period_s, start_ms)
);
CREATE INDEX metric_block_by_age ON metric_block (period_s, start_ms);
)sql";

} // namespace fairlead::metrics
