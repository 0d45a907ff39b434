#include "controller/environments/counts.hpp"

#include <tuple>

namespace fairlead::environments {

Result<> count(store::Connection& db, const api::OrgScope& scope, orgs::Counts& counts) {
    FAIRLEAD_TRY(
        projects,
        db.one<std::int64_t>("SELECT count(*) FROM project WHERE org_id = $1", scope.org())
    );
    counts.projects = projects.value_or(0);
    using Row = std::tuple<std::int64_t, std::int64_t>;
    FAIRLEAD_TRY(
        row, db.one<Row>(
                 "SELECT count(*), coalesce(sum(CASE WHEN e.live_state IN ('running', 'starting') "
                 "AND s.status = 'online'"
                 " THEN 1 ELSE 0 END), 0) FROM environment e JOIN server s ON s.id = e.server_id "
                 "AND s.org_id = e.org_id"
                 " WHERE e.org_id = $1",
                 scope.org()
             )
    );
    std::tie(counts.environments, counts.environments_running) = row.value_or(Row{});
    return {};
}

} // namespace fairlead::environments
