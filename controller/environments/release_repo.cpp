#include "controller/environments/release_repo.hpp"

namespace fairlead::environments {
namespace {

#define FAIRLEAD_RELEASE                                                                           \
    "id, environment_id, number, state, commits, python_packages, manifest_sha256, "               \
    "has_database_snapshot, spec,"                                                                 \
    " created_ms, created_by, created_by_email, operation_id"

// An environment that the holder of a limit to projects sees; "" sees every one.
#define FAIRLEAD_SEEN(environment, holder)                                                         \
    " AND (" holder " = '' OR EXISTS (SELECT 1 FROM environment e JOIN project_limit l ON "        \
    "l.org_id = e.org_id AND l.project_id = e.project_id WHERE e.id = " environment                \
    " AND e.org_id = $1 AND l.holder = " holder "))"

} // namespace

Result<> ReleaseRepo::put(const Release& r) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO environment_release (id, org_id, environment_id, number, state, commits, "
        "python_packages,"
        " manifest_sha256, has_database_snapshot, spec, created_ms, created_by, created_by_email, "
        "operation_id)"
        " VALUES ($2, $1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (id) DO "
        "UPDATE SET"
        " state = excluded.state, commits = excluded.commits, python_packages = "
        "excluded.python_packages,"
        " manifest_sha256 = excluded.manifest_sha256, has_database_snapshot = "
        "excluded.has_database_snapshot"
        " WHERE environment_release.org_id = excluded.org_id"
        " AND environment_release.environment_id = excluded.environment_id",
        org_, r.id, r.environment_id, r.number, r.state, r.commits, r.python_packages,
        r.manifest_sha256, r.has_database_snapshot, r.spec, r.created_ms, r.created_by,
        r.created_by_email, r.operation_id
    ));
    return {};
}

Result<std::optional<Release>>
ReleaseRepo::find(const EnvironmentId& environment, const ReleaseId& id) {
    return db_.one<Release>(
        "SELECT " FAIRLEAD_RELEASE
        " FROM environment_release WHERE id = $3 AND environment_id = $2 AND org_id = "
        "$1" FAIRLEAD_SEEN("$2", "$4"),
        org_, environment, id, limit_
    );
}

Result<Release> ReleaseRepo::get(const EnvironmentId& environment, const ReleaseId& id) {
    return store::present(find(environment, id), "There is no such release of this environment.");
}

Result<std::vector<Release>>
ReleaseRepo::list(const EnvironmentId& environment, std::string_view below, std::int64_t limit) {
    std::int64_t number = INT64_MAX;
    if (!below.empty()) {
        FAIRLEAD_TRY(
            found, db_.one<std::int64_t>(
                       "SELECT number FROM environment_release WHERE id = $3 AND environment_id = "
                       "$2 AND org_id = $1",
                       org_, environment, below
                   )
        );
        if (!found)
            return fail(Error(
                            Errc::invalid,
                            "The release that the cursor names is gone. Start again without it."
            )
                            .with_code("bad_cursor"));
        number = *found;
    }
    return db_.all<Release>(
        "SELECT " FAIRLEAD_RELEASE
        " FROM environment_release WHERE org_id = $1 AND environment_id = $2"
        " AND (number < $3 OR (number = $3 AND id < $4))" FAIRLEAD_SEEN(
            "$2", "$6"
        ) " ORDER BY number DESC, id DESC LIMIT $5",
        org_, environment, number, below, limit, limit_
    );
}

Result<std::vector<Release>> ReleaseRepo::present_ones(const EnvironmentId& environment) {
    return db_.all<Release>(
        "SELECT " FAIRLEAD_RELEASE
        " FROM environment_release WHERE org_id = $1 AND environment_id = $2"
        " AND state IN ('live', 'kept') ORDER BY number DESC LIMIT 1000",
        org_, environment
    );
}

Result<> ReleaseRepo::forget_removed(const EnvironmentId& environment, std::int64_t kept) {
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM environment_release WHERE org_id = $1 AND id IN (SELECT id FROM"
        " environment_release WHERE org_id = $1 AND environment_id = $2 AND state = 'removed'"
        " ORDER BY created_ms DESC, id DESC LIMIT -1 OFFSET $3)",
        org_, environment, kept
    ));
    return {};
}

Result<> ReleaseRepo::remove_all(const EnvironmentId& environment) {
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM environment_release WHERE org_id = $1 AND environment_id = $2", org_,
        environment
    ));
    return {};
}

} // namespace fairlead::environments
