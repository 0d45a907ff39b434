#include "controller/imports/import_repo.hpp"

namespace fairlead::imports {
namespace {

// Imports of $1 that the holder $2 of a limit to projects sees; "" sees all of them.
#define FAIRLEAD_IMPORT                                                                            \
    "SELECT i.id, i.environment_id, i.project_id, i.server_id, i.state, i.path, i.url, "           \
    "i.filestore, i.sha256, i.analysis, i.fits, i.operation_id, i.error_code, i.error_message, "   \
    "i.finished_ms, i.created_ms, i.created_by, i.created_by_email FROM import i WHERE i.org_id "  \
    "= $1 AND ($2 = '' OR EXISTS (SELECT 1 FROM project_limit l WHERE l.org_id = $1 AND l.holder " \
    "= $2 AND l.project_id = i.project_id))"

struct SealedQuery {
    std::optional<store::Blob> sealed_query;
};
BOOST_DESCRIBE_STRUCT(SealedQuery, (), (sealed_query))

} // namespace

std::string query_context(const ImportId& id) {
    return "import/" + id.str();
}

Result<> ImportRepo::insert(const Import& i, const std::optional<store::Blob>& sealed_query) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO import (id, org_id, environment_id, project_id, server_id, state, path, url, "
        "filestore, sha256, sealed_query, operation_id, created_ms, created_by, created_by_email) "
        "VALUES ($2, $1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        org_, i.id, i.environment_id, i.project_id, i.server_id, i.state, i.path, i.url,
        i.filestore, i.sha256, sealed_query, i.operation_id, i.created_ms, i.created_by,
        i.created_by_email
    ));
    return {};
}

Result<std::optional<Import>> ImportRepo::find(const ImportId& id) {
    return db_.one<Import>(FAIRLEAD_IMPORT " AND i.id = $3", org_, limit_, id);
}

Result<Import> ImportRepo::get(const EnvironmentId& environment, const ImportId& id) {
    return store::present(
        db_.one<Import>(
            FAIRLEAD_IMPORT " AND i.id = $3 AND i.environment_id = $4", org_, limit_, id,
            environment
        ),
        "There is no such import."
    );
}

Result<std::vector<Import>>
ImportRepo::list(const EnvironmentId& environment, std::string_view below, std::int64_t limit) {
    return db_.all<Import>(
        FAIRLEAD_IMPORT " AND i.environment_id = $3 AND ($4 = '' OR i.id < $4) ORDER BY i.id DESC "
                        "LIMIT $5",
        org_, limit_, environment, below, limit
    );
}

Result<std::int64_t> ImportRepo::held(const EnvironmentId& environment) {
    FAIRLEAD_TRY(
        count,
        db_.one<std::int64_t>(
            "SELECT count(*) FROM import WHERE org_id = $1 AND environment_id = $2 AND state "
            "NOT IN ('failed', 'imported')",
            org_, environment
        )
    );
    return count.value_or(0);
}

Result<std::optional<store::Blob>> ImportRepo::sealed_query(const ImportId& id) {
    FAIRLEAD_TRY(
        row, db_.one<SealedQuery>(
                 "SELECT sealed_query FROM import WHERE org_id = $1 AND id = $2", org_, id
             )
    );
    return row ? row->sealed_query : std::optional<store::Blob>();
}

Result<> ImportRepo::update(const Import& i) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE import SET state = $3, analysis = $4, fits = $5, operation_id = $6, error_code = "
        "$7, error_message = $8, finished_ms = $9, sha256 = $10 WHERE org_id = $1 AND id = $2",
        org_, i.id, i.state, i.analysis, i.fits, i.operation_id, i.error_code, i.error_message,
        i.finished_ms, i.sha256
    ));
    return {};
}

Result<> ImportRepo::drop_query(const ImportId& id) {
    FAIRLEAD_CHECK(
        db_.run("UPDATE import SET sealed_query = NULL WHERE org_id = $1 AND id = $2", org_, id)
    );
    return {};
}

Result<> ImportRepo::remove(const ImportId& id) {
    FAIRLEAD_CHECK(db_.run("DELETE FROM import WHERE org_id = $1 AND id = $2", org_, id));
    return {};
}

Result<> ImportRepo::forget_old(const EnvironmentId& environment, std::int64_t most) {
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM import WHERE org_id = $1 AND environment_id = $2 AND state IN ('failed', "
        "'imported') AND id NOT IN (SELECT id FROM import WHERE org_id = $1 AND environment_id = "
        "$2 "
        "AND state IN ('failed', 'imported') ORDER BY id DESC LIMIT $3)",
        org_, environment, most
    ));
    return {};
}

Result<> ImportRepo::remove_all(const EnvironmentId& environment) {
    FAIRLEAD_CHECK(
        db_.run("DELETE FROM import WHERE org_id = $1 AND environment_id = $2", org_, environment)
    );
    return {};
}

} // namespace fairlead::imports
