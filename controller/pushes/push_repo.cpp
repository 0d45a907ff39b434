#include "controller/pushes/push_repo.hpp"

namespace fairlead::pushes {
namespace {

#define FAIRLEAD_HOOK                                                                              \
    "SELECT environment_id, token, enabled, repositories, backup_first, secret_made_ms, "          \
    "old_until_ms, refused_count, refused_ms, waiting, last_body, created_ms, created_by, "        \
    "created_by_email FROM push_hook WHERE org_id = $1 AND environment_id = $2"

#define FAIRLEAD_PUSH                                                                              \
    "SELECT id, environment_id, provider, event, repository, branch, commit_id, pusher, outcome, " \
    "reason, detail, operation_id, received_ms FROM push WHERE org_id = $1 "

} // namespace

Result<std::optional<Place>> place_of(store::Connection& db, std::string_view token) {
    return db.one<Place>("SELECT org_id, environment_id FROM push_hook WHERE token = $1", token);
}

Result<std::vector<Place>> with_waiting(store::Connection& db, std::int64_t limit) {
    return db.all<Place>(
        "SELECT org_id, environment_id FROM push_hook WHERE waiting IS NOT NULL ORDER BY waiting "
        "LIMIT $1",
        limit
    );
}

std::string secret_context(const EnvironmentId& environment) {
    return "push_hook/" + environment.str();
}

Result<std::optional<Hook>> PushRepo::find(const EnvironmentId& environment) {
    return db_.one<Hook>(FAIRLEAD_HOOK, org_, environment);
}

Result<Hook> PushRepo::get(const EnvironmentId& environment) {
    return store::present(
        find(environment), "Pushes do not deploy this environment: it was not set up."
    );
}

Result<> PushRepo::insert(const Hook& h, const store::Blob& sealed) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO push_hook (org_id, environment_id, token, enabled, repositories, "
        "backup_first, sealed, secret_made_ms, created_ms, created_by, created_by_email) VALUES "
        "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        org_, h.environment_id, h.token, h.enabled, h.repositories, h.backup_first, sealed,
        h.secret_made_ms, h.created_ms, h.created_by, h.created_by_email
    ));
    return {};
}

Result<> PushRepo::update(const Hook& h) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE push_hook SET enabled = $3, repositories = $4, backup_first = $5, waiting = $6, "
        "last_body = $7 WHERE org_id = $1 AND environment_id = $2",
        org_, h.environment_id, h.enabled, h.repositories, h.backup_first, h.waiting, h.last_body
    ));
    return {};
}

Result<SealedSecrets> PushRepo::secrets(const EnvironmentId& environment) {
    return store::present(
        db_.one<SealedSecrets>(
            "SELECT sealed, sealed_old FROM push_hook WHERE org_id = $1 AND environment_id = $2",
            org_, environment
        ),
        "Pushes do not deploy this environment: it was not set up."
    );
}

Result<> PushRepo::put_secret(const Hook& h, const store::Blob& sealed) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE push_hook SET sealed_old = CASE WHEN $4 IS NULL THEN NULL ELSE sealed END, sealed "
        "= $3, old_until_ms = $4, secret_made_ms = $5, refused_count = 0, refused_ms = NULL WHERE "
        "org_id = $1 AND environment_id = $2",
        org_, h.environment_id, sealed, h.old_until_ms, h.secret_made_ms
    ));
    return {};
}

Result<> PushRepo::count_refused(const EnvironmentId& environment, Timestamp now) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE push_hook SET refused_count = refused_count + 1, refused_ms = $3 WHERE org_id = $1 "
        "AND environment_id = $2",
        org_, environment, now
    ));
    return {};
}

Result<> PushRepo::put(const Push& p) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO push (id, org_id, environment_id, provider, event, repository, branch, "
        "commit_id, pusher, outcome, reason, detail, operation_id, received_ms) VALUES ($2, $1, "
        "$3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (id) DO UPDATE SET "
        "outcome = $10, reason = $11, detail = $12, operation_id = $13 WHERE org_id = $1",
        org_, p.id, p.environment_id, p.provider, p.event, p.repository, p.branch, p.commit_id,
        p.pusher, p.outcome, p.reason, p.detail, p.operation_id, p.received_ms
    ));
    return {};
}

Result<std::optional<Push>> PushRepo::push(const PushId& id) {
    return db_.one<Push>(FAIRLEAD_PUSH "AND id = $2", org_, id);
}

Result<std::vector<Push>>
PushRepo::list(const EnvironmentId& environment, std::string_view below, std::int64_t limit) {
    return db_.all<Push>(
        FAIRLEAD_PUSH "AND environment_id = $2 AND ($3 = '' OR id < $3) ORDER BY id DESC LIMIT $4",
        org_, environment, below, limit
    );
}

Result<> PushRepo::forget_old(const EnvironmentId& environment) {
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM push WHERE org_id = $1 AND environment_id = $2 AND id NOT IN (SELECT id FROM "
        "push WHERE org_id = $1 AND environment_id = $2 ORDER BY id DESC LIMIT $3) AND id NOT IN "
        "(SELECT waiting FROM push_hook WHERE org_id = $1 AND environment_id = $2 AND waiting IS "
        "NOT NULL)",
        org_, environment, max_listed
    ));
    return {};
}

Result<bool> PushRepo::knows(const EnvironmentId& environment, std::string_view delivery) {
    FAIRLEAD_TRY(
        found, db_.one<int>(
                   "SELECT 1 FROM push_delivery WHERE org_id = $1 AND environment_id = $2 AND "
                   "delivery = $3",
                   org_, environment, delivery
               )
    );
    return found.has_value();
}

Result<>
PushRepo::remember(const EnvironmentId& environment, std::string_view delivery, Timestamp now) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO push_delivery (org_id, environment_id, delivery, seen_ms) VALUES ($1, $2, $3, "
        "$4) ON CONFLICT DO NOTHING",
        org_, environment, delivery, now
    ));
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM push_delivery WHERE org_id = $1 AND environment_id = $2 AND delivery NOT IN "
        "(SELECT delivery FROM push_delivery WHERE org_id = $1 AND environment_id = $2 ORDER BY "
        "seen_ms DESC, delivery LIMIT $3)",
        org_, environment, max_remembered
    ));
    return {};
}

Result<> PushRepo::remove(const EnvironmentId& environment) {
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM push_delivery WHERE org_id = $1 AND environment_id = $2", org_, environment
    ));
    FAIRLEAD_CHECK(
        db_.run("DELETE FROM push WHERE org_id = $1 AND environment_id = $2", org_, environment)
    );
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM push_hook WHERE org_id = $1 AND environment_id = $2", org_, environment
    ));
    return {};
}

} // namespace fairlead::pushes
