#include "controller/operations/counts.hpp"

namespace fairlead::operations {

Result<> count(store::Connection& db, const api::OrgScope& scope, orgs::Counts& counts) {
    FAIRLEAD_TRY(
        active, db.one<std::int64_t>(
                    "SELECT count(*) FROM operation WHERE org_id = $1 AND state IN ('queued', "
                    "'delivered', 'running', 'unknown') AND ($2 = '' OR EXISTS (SELECT 1 FROM "
                    "project_limit l WHERE l.org_id = $1 AND l.holder = $2 AND l.project_id = "
                    "operation.project_id))",
                    scope.org(), scope.limit()
                )
    );
    counts.operations_active = active.value_or(0);
    return {};
}

// By operation: steps and logs of all organizations lie together, in the order of those.
Result<> erase(store::Connection& db, const api::OrgScope& scope) {
    FAIRLEAD_CHECK(db.run(
        "DELETE FROM operation_log WHERE org_id = $1 AND operation_id IN (SELECT id FROM operation "
        "WHERE "
        "org_id = $1)",
        scope.org()
    ));
    FAIRLEAD_CHECK(db.run(
        "DELETE FROM operation_step WHERE org_id = $1 AND operation_id IN (SELECT id FROM "
        "operation WHERE "
        "org_id = $1)",
        scope.org()
    ));
    FAIRLEAD_CHECK(db.run("DELETE FROM operation WHERE org_id = $1", scope.org()));
    return {};
}

} // namespace fairlead::operations
