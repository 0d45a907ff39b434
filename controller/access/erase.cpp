#include "controller/access/erase.hpp"

namespace fairlead::access {

Result<> erase(store::Connection& db, const api::OrgScope& scope) {
    FAIRLEAD_CHECK(db.run("DELETE FROM api_key WHERE org_id = $1", scope.org()));
    FAIRLEAD_CHECK(
        db.run("DELETE FROM connect_grant WHERE org_id = $1 OR agency_id = $1", scope.org())
    );
    FAIRLEAD_CHECK(db.run("DELETE FROM support_access WHERE org_id = $1", scope.org()));
    FAIRLEAD_CHECK(db.run("DELETE FROM project_limit WHERE org_id = $1", scope.org()));
    return {};
}

} // namespace fairlead::access
