#include "controller/operations/repo.hpp"

namespace fairlead::operations {
namespace {

#define FAIRLEAD_OPERATION                                                                         \
    "id, server_id, environment_id, project_id, kind, state, mutating, fence, target_name, "       \
    "requested_by, "                                                                               \
    "requested_by_email, origin, note,"                                                            \
    " created_ms, deadline_ms, delivered_ms, started_ms, finished_ms, cancel_requested, "          \
    "cancel_sent, log_lines,"                                                                      \
    " log_bytes, result, error_code, error_message, error_step, outcome"
// The planner, which knows no numbers, would take the index by organization and read its whole
// history. INDEXED BY makes a statement that cannot use the index fail instead.
#define FAIRLEAD_SEALED "kind IN ('odoo.users', 'odoo.login') AND result IS NOT NULL"
#define FAIRLEAD_OPEN "('queued', 'delivered', 'running', 'unknown')"
// What the holder of a limit to projects sees; "" sees everything, and costs nothing.
#define FAIRLEAD_SEEN(holder)                                                                      \
    " AND (" holder " = '' OR EXISTS (SELECT 1 FROM project_limit l WHERE l.org_id = $1 AND "      \
    "l.holder = " holder " AND l.project_id = operation.project_id))"

} // namespace

Result<bool> OperationRepo::insert(const Operation& o, std::string_view args) {
    FAIRLEAD_TRY(
        done,
        db_.run(
            "INSERT INTO operation (id, org_id, server_id, environment_id, kind, state, mutating, "
            "target_name, args,"
            " requested_by, requested_by_email, note, created_ms, deadline_ms, project_id, origin)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON "
            "CONFLICT "
            "DO NOTHING",
            o.id, org_, o.server_id, o.environment_id, o.kind, o.state, o.mutating, o.target_name,
            args, o.requested_by, o.requested_by_email, o.note, o.created_ms, o.deadline_ms,
            o.project_id, o.origin
        )
    );
    return done > 0;
}

Result<std::optional<Operation>> OperationRepo::find(const OperationId& id) {
    return db_.one<Operation>(
        "SELECT " FAIRLEAD_OPERATION
        " FROM operation WHERE id = $2 AND org_id = $1" FAIRLEAD_SEEN("$3"),
        org_, id, limit_
    );
}

Result<Operation> OperationRepo::get(const OperationId& id) {
    return store::present(find(id), "There is no such operation.");
}

Result<std::string> OperationRepo::args(const OperationId& id) {
    return store::present(
        db_.one<std::string>(
            "SELECT args FROM operation WHERE id = $2 AND org_id = $1" FAIRLEAD_SEEN("$3"), org_,
            id, limit_
        ),
        "There is no such operation."
    );
}

Result<std::optional<OperationId>> OperationRepo::busy_with(const EnvironmentId& environment) {
    return db_.one<OperationId>(
        "SELECT id FROM operation WHERE environment_id = $2 AND org_id = $1 AND mutating = 1 AND "
        "state IN " FAIRLEAD_OPEN " LIMIT 1",
        org_, environment
    );
}

Result<std::vector<Operation>> OperationRepo::list(const OperationFilter& f) {
    return db_.all<Operation>(
        "SELECT " FAIRLEAD_OPERATION " FROM operation WHERE org_id = $1 AND ($2 = '' OR id < $2)"
        " AND ($3 = '' OR environment_id = $3) AND ($4 = '' OR server_id = $4) AND ($5 = '' OR "
        "state = $5)"
        " AND ($6 = '' OR kind = $6)" FAIRLEAD_SEEN("$8") " ORDER BY id DESC LIMIT $7",
        org_, f.below, f.environment, f.server, f.state, f.kind, f.limit, limit_
    );
}

Result<std::int64_t> OperationRepo::count_born(const ServerId& server, Timestamp since) {
    FAIRLEAD_TRY(
        count, db_.one<std::int64_t>(
                   "SELECT count(*) FROM operation INDEXED BY operation_born WHERE server_id = $2 "
                   "AND born_ms > $3 AND org_id = $1",
                   org_, server, since
               )
    );
    return count.value_or(0);
}

Result<> OperationRepo::mark_born(const OperationId& id, Timestamp at) {
    FAIRLEAD_CHECK(
        db_.run("UPDATE operation SET born_ms = $3 WHERE id = $2 AND org_id = $1", org_, id, at)
    );
    return {};
}

Result<bool> OperationRepo::has_asked(
    const EnvironmentId& environment, std::string_view kind, std::string_view part
) {
    FAIRLEAD_TRY(
        found, db_.one<OperationId>(
                   "SELECT id FROM operation INDEXED BY operation_by_environment WHERE org_id = $1 "
                   "AND environment_id = $2 AND kind = $3 AND origin = 'controller' AND args LIKE "
                   "'%' || $4 || '%' LIMIT 1",
                   org_, environment, kind, part
               )
    );
    return found.has_value();
}

Result<> OperationRepo::update(const Operation& o) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE operation SET state = $3, fence = $4, delivered_ms = $5, started_ms = $6, "
        "finished_ms = $7,"
        " cancel_requested = $8, cancel_sent = $9, log_lines = $10, log_bytes = $11, result = $12, "
        "error_code = $13,"
        " error_message = $14, error_step = $15, outcome = $16 WHERE id = $2 AND org_id = $1",
        org_, o.id, o.state, o.fence, o.delivered_ms, o.started_ms, o.finished_ms,
        o.cancel_requested, o.cancel_sent, o.log_lines, o.log_bytes, o.result, o.error_code,
        o.error_message, o.error_step, o.outcome
    ));
    return {};
}

Result<std::vector<Operation>> OperationRepo::open_of(const ServerId& server, std::int64_t limit) {
    return db_.all<Operation>(
        "SELECT " FAIRLEAD_OPERATION " FROM operation INDEXED BY operation_open WHERE server_id = "
        "$2 AND org_id = $1 AND state IN " FAIRLEAD_OPEN " ORDER BY id LIMIT $3",
        org_, server, limit
    );
}

Result<std::vector<Operation>>
OperationRepo::queued_of(const ServerId& server, Timestamp now, std::int64_t limit) {
    return db_.all<Operation>(
        "SELECT " FAIRLEAD_OPERATION " FROM operation INDEXED BY operation_open WHERE server_id = "
        "$2 AND org_id = $1 AND state IN " FAIRLEAD_OPEN
        " AND state = 'queued' AND deadline_ms > $3 ORDER BY id LIMIT $4",
        org_, server, now, limit
    );
}

Result<std::vector<Operation>> OperationRepo::to_cancel_of(const ServerId& server) {
    return db_.all<Operation>(
        "SELECT " FAIRLEAD_OPERATION " FROM operation INDEXED BY operation_open WHERE server_id = "
        "$2 AND org_id = $1 AND state IN " FAIRLEAD_OPEN
        " AND state IN ('delivered', 'running') AND cancel_requested = 1 AND cancel_sent = 0 ORDER "
        "BY id LIMIT 100",
        org_, server
    );
}

Result<> OperationRepo::doubt_undelivered(const ServerId& server, Timestamp since) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE operation SET doubted = 1 WHERE id IN (SELECT id FROM operation WHERE org_id = $1 "
        "AND server_id = $2"
        " AND state IN ('cancelled', 'expired') AND started_ms IS NULL AND finished_ms > $3 ORDER "
        "BY id "
        "DESC LIMIT 200)"
        " AND org_id = $1",
        org_, server, since
    ));
    return {};
}

Result<std::vector<Operation>> OperationRepo::doubted(const ServerId& server) {
    return db_.all<Operation>(
        "SELECT " FAIRLEAD_OPERATION
        " FROM operation INDEXED BY operation_doubted WHERE org_id = $1 AND server_id = $2 AND "
        "doubted = 1 ORDER BY id LIMIT 500",
        org_, server
    );
}

Result<> OperationRepo::trust(const OperationId& id) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE operation SET doubted = 0 WHERE id = $2 AND org_id = $1 AND doubted = 1", org_, id
    ));
    return {};
}

Result<std::int64_t> OperationRepo::count_queued(const ServerId& server) {
    FAIRLEAD_TRY(
        count, db_.one<std::int64_t>(
                   "SELECT count(*) FROM operation INDEXED BY operation_open WHERE server_id = $2 "
                   "AND org_id = $1 AND state "
                   "IN " FAIRLEAD_OPEN " AND state = 'queued'",
                   org_, server
               )
    );
    return count.value_or(0);
}

Result<bool> OperationRepo::is_updating(const ServerId& server) {
    FAIRLEAD_TRY(
        found, db_.one<std::int64_t>(
                   "SELECT 1 FROM operation INDEXED BY operation_open WHERE server_id = $2 AND "
                   "org_id = $1 AND state IN " FAIRLEAD_OPEN
                   " AND state <> 'queued' AND kind = 'agent.update' LIMIT 1",
                   org_, server
               )
    );
    return found.has_value();
}

Result<std::int64_t> OperationRepo::count_outstanding(const ServerId& server) {
    FAIRLEAD_TRY(
        count, db_.one<std::int64_t>(
                   "SELECT count(*) FROM operation INDEXED BY operation_open WHERE server_id = $2 "
                   "AND org_id = $1 AND state "
                   "IN " FAIRLEAD_OPEN " AND state IN ('delivered', 'running')",
                   org_, server
               )
    );
    return count.value_or(0);
}

Result<std::vector<Operation>> OperationRepo::overdue(Timestamp now, std::int64_t limit) {
    return db_.all<Operation>(
        "SELECT " FAIRLEAD_OPERATION
        " FROM operation INDEXED BY operation_open WHERE org_id = $1 AND state IN " FAIRLEAD_OPEN
        " AND state = 'queued' AND deadline_ms <= $2 ORDER BY id LIMIT $3",
        org_, now, limit
    );
}

Result<std::vector<Step>> OperationRepo::steps(const OperationId& id) {
    return db_.all<Step>(
        "SELECT position, name, title, state, percent, detail, started_ms, finished_ms FROM "
        "operation_step"
        " WHERE operation_id = $2 AND org_id = $1 ORDER BY position LIMIT 200",
        org_, id
    );
}

Result<std::optional<Step>> OperationRepo::step(const OperationId& id, std::uint32_t position) {
    return db_.one<Step>(
        "SELECT position, name, title, state, percent, detail, started_ms, finished_ms FROM "
        "operation_step"
        " WHERE operation_id = $2 AND position = $3 AND org_id = $1",
        org_, id, position
    );
}

Result<> OperationRepo::put_step(const OperationId& id, const Step& s) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO operation_step (operation_id, position, org_id, name, title, state, percent, "
        "detail, started_ms,"
        " finished_ms) VALUES ($2, $3, $1, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (operation_id, "
        "position) DO UPDATE"
        " SET name = excluded.name, title = excluded.title, state = excluded.state, percent = "
        "excluded.percent,"
        " detail = excluded.detail, started_ms = excluded.started_ms, finished_ms = "
        "excluded.finished_ms",
        org_, id, s.position, s.name, s.title, s.state, s.percent, s.detail, s.started_ms,
        s.finished_ms
    ));
    return {};
}

Result<std::vector<LoggedLine>>
OperationRepo::log(const OperationId& id, std::int64_t after, std::int64_t limit) {
    return db_.all<LoggedLine>(
        "SELECT seq, time_ms, level, step, text FROM operation_log WHERE operation_id = $2 AND "
        "org_id = $1 AND seq > $3 AND ($5 = '' OR EXISTS (SELECT 1 FROM operation WHERE "
        "operation.id = $2 AND operation.org_id = $1" FAIRLEAD_SEEN("$5") "))"
                                                                          " ORDER BY seq LIMIT $4",
        org_, id, after, limit, limit_
    );
}

Result<std::vector<Operation>> OperationRepo::sealed(Timestamp before, std::int64_t limit) {
    return db_.all<Operation>(
        "SELECT " FAIRLEAD_OPERATION
        " FROM operation INDEXED BY operation_sealed WHERE org_id = $1 AND " FAIRLEAD_SEALED
        " AND finished_ms < $2 LIMIT $3",
        org_, before, limit
    );
}

Result<> OperationRepo::add_line(const OperationId& id, const LoggedLine& line) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO operation_log (operation_id, seq, org_id, time_ms, level, step, text)"
        " VALUES ($2, $3, $1, $4, $5, $6, $7)",
        org_, id, line.seq, line.time_ms, line.level, line.step, line.text
    ));
    return {};
}

Result<> OperationRepo::forget_logs(Timestamp before, std::int64_t limit) {
    FAIRLEAD_TRY(
        ids, db_.all<OperationId>(
                 "SELECT id FROM operation INDEXED BY operation_logged WHERE org_id = $1 AND "
                 "log_lines > 0 AND coalesce(finished_ms, created_ms) < $2 LIMIT $3",
                 org_, before, limit
             )
    );
    for (const auto& id : ids) {
        FAIRLEAD_CHECK(
            db_.run("DELETE FROM operation_log WHERE operation_id = $2 AND org_id = $1", org_, id)
        );
        FAIRLEAD_CHECK(db_.run(
            "UPDATE operation SET log_lines = 0, log_bytes = 0 WHERE id = $2 AND org_id = $1", org_,
            id
        ));
    }
    return {};
}

Result<std::optional<JournalPosition>> OperationRepo::journal(const ServerId& server) {
    return db_.one<JournalPosition>(
        "SELECT journal, last_seq, fence, link FROM agent_journal WHERE server_id = $2 AND org_id "
        "= $1",
        org_, server
    );
}

Result<> OperationRepo::put_journal(const ServerId& server, const JournalPosition& p) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO agent_journal (server_id, org_id, journal, last_seq, fence, link) VALUES ($2, "
        "$1, $3, $4, $5, $6)"
        " ON CONFLICT (server_id) DO UPDATE SET journal = excluded.journal, last_seq = "
        "excluded.last_seq,"
        " fence = excluded.fence, link = excluded.link WHERE agent_journal.org_id = "
        "excluded.org_id",
        org_, server, p.journal, p.last_seq, p.fence, p.link
    ));
    return {};
}

Result<std::vector<OrgId>> orgs_with_overdue(store::Connection& db, Timestamp now) {
    return db.all<OrgId>(
        "SELECT DISTINCT org_id FROM operation INDEXED BY operation_open WHERE state "
        "IN " FAIRLEAD_OPEN " AND state = 'queued' AND deadline_ms <= $1 LIMIT 1000",
        now
    );
}

Result<std::vector<OrgId>> orgs_with_old_logs(store::Connection& db, Timestamp before) {
    return db.all<OrgId>(
        "SELECT DISTINCT org_id FROM operation INDEXED BY operation_logged WHERE log_lines > 0 AND "
        "coalesce(finished_ms, created_ms) < $1 LIMIT 1000",
        before
    );
}

Result<std::vector<OrgId>> orgs_with_sealed(store::Connection& db, Timestamp before) {
    return db.all<OrgId>(
        "SELECT DISTINCT org_id FROM operation INDEXED BY operation_sealed WHERE " FAIRLEAD_SEALED
        " AND finished_ms < $1 LIMIT 1000",
        before
    );
}

Result<std::vector<OrgId>> orgs_with_open(store::Connection& db) {
    return db.all<OrgId>("SELECT DISTINCT org_id FROM operation INDEXED BY operation_open WHERE "
                         "state IN " FAIRLEAD_OPEN " AND state IN ('delivered', 'running')"
                         " UNION SELECT org_id FROM agent_journal WHERE link <> '' LIMIT 10000");
}

} // namespace fairlead::operations
