#include "controller/alerts/alert_repo.hpp"

namespace fairlead::alerts {
namespace {

#define FAIRLEAD_ALERT                                                                             \
    "SELECT id, rule_id, rule_name, kind, subject_id, subject_name, state, value, threshold, "     \
    "since_ms, fired_ms, ended_ms FROM alert WHERE org_id = $1 AND told = 1"

} // namespace

Standing Alert::standing() const {
    switch (state) {
    case Stage::pending:
        return {State::pending, since_ms};
    case Stage::firing:
        return {State::firing, since_ms};
    case Stage::clearing:
        return {State::clearing, since_ms};
    default:
        return {State::quiet, since_ms};
    }
}

Result<> AlertRepo::insert(const Alert& a) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO alert (id, org_id, rule_id, rule_name, kind, subject_id, subject_name, "
        "state, open, told, value, threshold, since_ms, fired_ms, ended_ms) VALUES ($2, $1, $3, "
        "$4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        org_, a.id, a.rule_id, a.rule_name, a.kind, a.subject_id, a.subject_name, a.state, a.open(),
        a.told(), a.value, a.threshold, a.since_ms, a.fired_ms, a.ended_ms
    ));
    return {};
}

Result<> AlertRepo::update(const Alert& a) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE alert SET state = $3, open = $4, told = $5, value = $6, threshold = $7, "
        "since_ms = $8, fired_ms = $9, ended_ms = $10 WHERE org_id = $1 AND id = $2",
        org_, a.id, a.state, a.open(), a.told(), a.value, a.threshold, a.since_ms, a.fired_ms,
        a.ended_ms
    ));
    return {};
}

Result<> AlertRepo::remove(const AlertId& id) {
    FAIRLEAD_CHECK(db_.run("DELETE FROM alert WHERE org_id = $1 AND id = $2", org_, id));
    return {};
}

Result<Alert> AlertRepo::get(const AlertId& id) {
    return store::present(
        db_.one<Alert>(FAIRLEAD_ALERT " AND id = $2", org_, id), "There is no such alert."
    );
}

Result<std::vector<Alert>> AlertRepo::list(bool open, std::string_view before, std::int64_t limit) {
    return db_.all<Alert>(
        FAIRLEAD_ALERT " AND open = $2 AND ($3 = '' OR id < $3) ORDER BY id DESC LIMIT $4", org_,
        open, before, limit
    );
}

Result<std::int64_t> AlertRepo::count_firing() {
    FAIRLEAD_TRY(
        count, db_.one<std::int64_t>(
                   "SELECT count(*) FROM alert WHERE org_id = $1 AND told = 1 AND open = 1", org_
               )
    );
    return count.value_or(0);
}

Result<> AlertRepo::end_of_rule(const AlertRuleId& rule, Timestamp now) {
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM alert WHERE org_id = $1 AND rule_id = $2 AND open = 1 AND told = 0", org_, rule
    ));
    FAIRLEAD_CHECK(db_.run(
        "UPDATE alert SET state = 'ended', open = 0, ended_ms = $3 WHERE org_id = $1"
        " AND rule_id = $2 AND open = 1",
        org_, rule, now
    ));
    return {};
}

Result<> AlertRepo::prune(Timestamp now) {
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM alert WHERE org_id = $1 AND told = 1 AND open = 0 AND ended_ms < $2", org_,
        now - alerts_kept
    ));
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM alert WHERE org_id = $1 AND told = 1 AND open = 0 AND id < (SELECT id FROM "
        "alert WHERE org_id = $1 AND told = 1 AND open = 0 ORDER BY id DESC LIMIT 1 OFFSET $2)",
        org_, max_past_alerts - 1
    ));
    return {};
}

} // namespace fairlead::alerts
