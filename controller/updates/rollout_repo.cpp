#include "controller/updates/rollout_repo.hpp"

namespace fairlead::updates {
namespace {

#define FAIRLEAD_ROLLOUT                                                                           \
    "SELECT id, version, package, sums, signature, state, reason, stages, stage, soak_s, "         \
    "healthy_since_ms, created_ms, created_by, created_by_email, finished_ms FROM agent_rollout "  \
    "WHERE org_id = $1"

} // namespace

Result<bool> RolloutRepo::insert(const Rollout& r) {
    FAIRLEAD_TRY(
        done,
        db_.run(
            "INSERT INTO agent_rollout (id, org_id, version, package, sums, signature, state, "
            "reason, stages, stage, soak_s, healthy_since_ms, created_ms, created_by, "
            "created_by_email, finished_ms) VALUES ($2, $1, $3, $4, $5, $6, $7, $8, $9, $10, $11, "
            "$12, $13, $14, $15, $16) ON CONFLICT DO NOTHING",
            org_, r.id, r.version, r.package, r.sums, r.signature, r.state, r.reason, r.stages,
            r.stage, r.soak_s, r.healthy_since_ms, r.created_ms, r.created_by, r.created_by_email,
            r.finished_ms
        )
    );
    return done > 0;
}

Result<> RolloutRepo::update(const Rollout& r) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE agent_rollout SET state = $3, reason = $4, stage = $5, healthy_since_ms = $6, "
        "finished_ms = $7 WHERE org_id = $1 AND id = $2",
        org_, r.id, r.state, r.reason, r.stage, r.healthy_since_ms, r.finished_ms
    ));
    return {};
}

Result<Rollout> RolloutRepo::get(const RolloutId& id) {
    return store::present(
        db_.one<Rollout>(FAIRLEAD_ROLLOUT " AND id = $2", org_, id), "There is no such roll-out."
    );
}

Result<std::optional<Rollout>> RolloutRepo::open() {
    return db_.one<Rollout>(FAIRLEAD_ROLLOUT " AND state IN ('running', 'paused') LIMIT 1", org_);
}

Result<std::vector<Rollout>> RolloutRepo::list(std::string_view after, std::int64_t limit) {
    return db_.all<Rollout>(
        FAIRLEAD_ROLLOUT " AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3", org_, after, limit
    );
}

Result<> RolloutRepo::insert(const RolloutId& rollout, const Member& m) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO agent_rollout_server (rollout_id, org_id, server_id, server_name, stage, "
        "state, from_version, operation_id, problem, not_before_ms, updated_ms) VALUES ($2, $1, "
        "$3, $4, $5, $6, $7, $8, $9, $10, $11)",
        org_, rollout, m.server_id, m.server_name, m.stage, m.state, m.from_version, m.operation_id,
        m.problem, m.not_before_ms, m.updated_ms
    ));
    return {};
}

Result<> RolloutRepo::update(const RolloutId& rollout, const Member& m) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE agent_rollout_server SET state = $4, operation_id = $5, problem = $6, "
        "not_before_ms = $7, updated_ms = $8 WHERE org_id = $1 AND rollout_id = $2 AND server_id = "
        "$3",
        org_, rollout, m.server_id, m.state, m.operation_id, m.problem, m.not_before_ms,
        m.updated_ms
    ));
    return {};
}

Result<std::vector<Member>> RolloutRepo::members(const RolloutId& rollout) {
    return db_.all<Member>(
        "SELECT server_id, server_name, stage, state, from_version, operation_id, problem, "
        "not_before_ms, updated_ms FROM agent_rollout_server WHERE org_id = $1 AND rollout_id = $2 "
        "ORDER BY stage, server_name LIMIT $3",
        org_, rollout, max_members
    );
}

Result<std::vector<Count>> RolloutRepo::counts(const RolloutId& rollout) {
    return db_.all<Count>(
        "SELECT stage, state, count(*) AS count FROM agent_rollout_server WHERE org_id = $1 AND "
        "rollout_id = $2 GROUP BY stage, state ORDER BY stage, state LIMIT 1000",
        org_, rollout
    );
}

Result<std::optional<RolloutId>> RolloutRepo::of_operation(const OperationId& operation) {
    return db_.one<RolloutId>(
        "SELECT rollout_id FROM agent_rollout_server WHERE org_id = $1 AND operation_id = $2 LIMIT "
        "1",
        org_, operation
    );
}

Result<> RolloutRepo::prune(std::int64_t kept) {
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM agent_rollout WHERE org_id = $1 AND state NOT IN ('running', 'paused') AND id "
        "NOT IN (SELECT id FROM agent_rollout WHERE org_id = $1 ORDER BY id DESC LIMIT $2)",
        org_, kept
    ));
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM agent_rollout_server WHERE org_id = $1 AND rollout_id NOT IN (SELECT id FROM "
        "agent_rollout WHERE org_id = $1)",
        org_
    ));
    return {};
}

Result<std::vector<OrgId>> orgs_with_running(store::Connection& db) {
    return db.all<OrgId>(
        "SELECT org_id FROM agent_rollout WHERE state IN ('running', 'paused') AND "
        "state = 'running' LIMIT 10000"
    );
}

Result<> erase(store::Connection& db, const api::OrgScope& scope) {
    FAIRLEAD_CHECK(db.run("DELETE FROM agent_rollout_server WHERE org_id = $1", scope.org()));
    FAIRLEAD_CHECK(db.run("DELETE FROM agent_rollout WHERE org_id = $1", scope.org()));
    return {};
}

} // namespace fairlead::updates
