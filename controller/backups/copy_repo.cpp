#include "controller/backups/copy_repo.hpp"

namespace fairlead::backups {
namespace {

// Copies of $1 that the holder $2 of a limit to projects sees; "" sees all of them.
#define FAIRLEAD_COPY                                                                              \
    "SELECT c.id, c.project_id, c.source_id, c.source_name, c.target_id, c.target_name, "          \
    "c.new_target, c.backup_id, c.request, c.actor, c.state, c.recipient, c.error_code, "          \
    "c.error_message, c.created_ms, c.finished_ms FROM data_copy c WHERE c.org_id = $1 AND ($2 = " \
    "'' OR EXISTS (SELECT 1 FROM project_limit l WHERE l.org_id = $1 AND l.holder = $2 AND "       \
    "l.project_id = c.project_id))"

} // namespace

Result<> CopyRepo::insert(const Copy& c, const std::vector<CopyStep>& steps) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO data_copy (id, org_id, project_id, source_id, source_name, target_id, "
        "target_name, new_target, backup_id, request, actor, state, created_ms) VALUES ($2, $1, "
        "$3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        org_, c.id, c.project_id, c.source_id, c.source_name, c.target_id, c.target_name,
        c.new_target, c.backup_id, c.request, c.actor, c.state, c.created_ms
    ));
    for (const auto& step : steps)
        FAIRLEAD_CHECK(db_.run(
            "INSERT INTO data_copy_step (copy_id, position, org_id, kind, server_id) VALUES ($2, "
            "$3, $1, $4, $5)",
            org_, c.id, step.position, step.kind, step.server_id
        ));
    return {};
}

Result<Copy> CopyRepo::get(const CopyId& id) {
    return store::present(
        db_.one<Copy>(FAIRLEAD_COPY " AND c.id = $3", org_, limit_, id), "There is no such copy."
    );
}

Result<std::vector<Copy>> CopyRepo::list(const CopyFilter& f) {
    return db_.all<Copy>(
        FAIRLEAD_COPY
        " AND ($3 = '' OR c.target_id = $3) AND ($4 = '' OR EXISTS (SELECT 1 FROM data_copy_step s "
        "WHERE s.operation_id = $4 AND s.copy_id = c.id AND s.org_id = $1)) AND ($5 = '' OR "
        "c.state = $5) AND ($6 = '' OR c.id < $6) ORDER BY c.id DESC LIMIT $7",
        org_, limit_, f.environment, f.operation, f.state, f.below, f.limit
    );
}

Result<std::optional<Copy>> CopyRepo::of_operation(const OperationId& operation) {
    return db_.one<Copy>(
        FAIRLEAD_COPY " AND c.id IN (SELECT s.copy_id FROM data_copy_step s WHERE s.operation_id = "
                      "$3 AND s.org_id = $1)",
        org_, limit_, operation
    );
}

Result<std::optional<Copy>> CopyRepo::running_into(const EnvironmentId& target) {
    return db_.one<Copy>(
        FAIRLEAD_COPY " AND c.target_id = $3 AND c.state = 'running' LIMIT 1", org_, limit_, target
    );
}

Result<std::vector<CopyStep>> CopyRepo::steps(const CopyId& id) {
    return db_.all<CopyStep>(
        "SELECT s.position, s.kind, s.server_id, s.operation_id, coalesce(o.state, '') AS state "
        "FROM data_copy_step s LEFT JOIN operation o ON o.id = s.operation_id AND o.org_id = "
        "s.org_id WHERE s.org_id = $1 AND s.copy_id = $2 ORDER BY s.position LIMIT 10",
        org_, id
    );
}

Result<> CopyRepo::update(const Copy& c) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE data_copy SET backup_id = $3, state = $4, recipient = $5, error_code = $6, "
        "error_message = $7, finished_ms = $8 WHERE id = $2 AND org_id = $1",
        org_, c.id, c.backup_id, c.state, c.recipient, c.error_code, c.error_message, c.finished_ms
    ));
    return {};
}

Result<>
CopyRepo::set_operation(const CopyId& id, std::int64_t position, const OperationId& operation) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE data_copy_step SET operation_id = $4 WHERE copy_id = $2 AND position = $3 AND "
        "org_id = $1",
        org_, id, position, operation
    ));
    return {};
}

Result<> forget_copies(store::Connection& db, Timestamp before) {
    FAIRLEAD_CHECK(db.run(
        "DELETE FROM data_copy_step WHERE copy_id IN (SELECT id FROM data_copy WHERE finished_ms < "
        "$1 ORDER BY finished_ms LIMIT 1000)",
        before
    ));
    FAIRLEAD_CHECK(db.run(
        "DELETE FROM data_copy WHERE id IN (SELECT id FROM data_copy WHERE finished_ms < $1 ORDER "
        "BY finished_ms LIMIT 1000)",
        before
    ));
    return {};
}

} // namespace fairlead::backups
