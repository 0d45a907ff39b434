#include "controller/environments/counts.hpp"

#include "common/json/json.hpp"
#include "controller/environments/environment_repo.hpp"

#include <tuple>

namespace fairlead::environments {

Result<> count(store::Connection& db, const api::OrgScope& scope, orgs::Counts& counts) {
    FAIRLEAD_TRY(
        projects,
        db.one<std::int64_t>(
            "SELECT count(*) FROM project WHERE org_id = $1 AND ($2 = '' OR EXISTS (SELECT 1 FROM "
            "project_limit l WHERE l.org_id = $1 AND l.holder = $2 AND l.project_id = project.id))",
            scope.org(), scope.limit()
        )
    );
    counts.projects = projects.value_or(0);
    using Row = std::tuple<std::int64_t, std::int64_t>;
    FAIRLEAD_TRY(
        row, db.one<Row>(
                 "SELECT count(*), coalesce(sum(CASE WHEN e.live_state IN ('running', 'starting') "
                 "AND s.status = 'online'"
                 " THEN 1 ELSE 0 END), 0) FROM environment e JOIN server s ON s.id = e.server_id "
                 "AND s.org_id = e.org_id"
                 " WHERE e.org_id = $1 AND ($2 = '' OR EXISTS (SELECT 1 FROM project_limit l WHERE "
                 "l.org_id = $1 AND l.holder = $2 AND l.project_id = e.project_id))",
                 scope.org(), scope.limit()
             )
    );
    std::tie(counts.environments, counts.environments_running) = row.value_or(Row{});
    return {};
}

Result<boost::json::array> inventory(store::Connection& db, const api::OrgScope& scope) {
    EnvironmentFilter all;
    all.limit = 1000;
    FAIRLEAD_TRY(rows, EnvironmentRepo(db, scope).list(all));
    boost::json::array list;
    for (const auto& row : rows)
        list.push_back(
            {{"id", row.id.str()},
             {"name", row.name},
             {"type", json::enum_name(row.type)},
             {"status", row.status}}
        );
    return list;
}

Result<bool>
production_on(store::Connection& db, const api::OrgScope& scope, const ServerId& server) {
    FAIRLEAD_TRY(
        found, db.one<std::int64_t>(
                   "SELECT 1 FROM environment WHERE org_id = $1 AND server_id = $2 AND type = "
                   "'production' LIMIT 1",
                   scope.org(), server
               )
    );
    return found.has_value();
}

Result<std::vector<ProjectId>> unknown_projects(
    store::Connection& db, const api::OrgScope& scope, const std::vector<ProjectId>& projects
) {
    std::vector<ProjectId> unknown;
    for (const auto& id : projects) {
        FAIRLEAD_TRY(
            found, db.one<std::int64_t>(
                       "SELECT 1 FROM project WHERE org_id = $1 AND id = $2", scope.org(), id
                   )
        );
        if (!found) unknown.push_back(id);
    }
    return unknown;
}

Result<> erase(store::Connection& db, const api::OrgScope& scope) {
    FAIRLEAD_CHECK(db.run("DELETE FROM project_credential WHERE org_id = $1", scope.org()));
    FAIRLEAD_CHECK(db.run("DELETE FROM git_credential WHERE org_id = $1", scope.org()));
    FAIRLEAD_CHECK(db.run("DELETE FROM project WHERE org_id = $1", scope.org()));
    FAIRLEAD_CHECK(db.run("DELETE FROM found_environment WHERE org_id = $1", scope.org()));
    return {};
}

} // namespace fairlead::environments
