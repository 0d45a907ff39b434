#include "controller/fleet/counts.hpp"

#include <tuple>

namespace fairlead::fleet {

Result<> count(store::Connection& db, const api::OrgScope& scope, orgs::Counts& counts) {
    using Row = std::tuple<std::int64_t, std::int64_t>;
    FAIRLEAD_TRY(
        row, db.one<Row>(
                 "SELECT count(*), coalesce(sum(CASE WHEN status = 'online' THEN 1 ELSE 0 END), 0)"
                 " FROM server WHERE org_id = $1 AND revoked_ms IS NULL",
                 scope.org()
             )
    );
    std::tie(counts.servers, counts.servers_online) = row.value_or(Row{});
    return {};
}

} // namespace fairlead::fleet
