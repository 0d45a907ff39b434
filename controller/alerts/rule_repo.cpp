#include "controller/alerts/rule_repo.hpp"

namespace fairlead::alerts {
namespace {

#define FAIRLEAD_RULE                                                                              \
    "SELECT id, name, kind, enabled, target_id, threshold, clear, wait_s, clear_wait_s, "          \
    "mail_owners, mail_members, created_ms, created_by, created_by_email FROM alert_rule "         \
    "WHERE org_id = $1"

} // namespace

Limits Rule::limits() const {
    return {
        facts_of(kind).bad, threshold, clear, std::chrono::seconds(wait_s),
        std::chrono::seconds(clear_wait_s)};
}

Result<> RuleRepo::insert(const Rule& r) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO alert_rule (id, org_id, name, kind, enabled, target_id, threshold, clear, "
        "wait_s, clear_wait_s, mail_owners, mail_members, created_ms, created_by, "
        "created_by_email) VALUES ($2, $1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, "
        "$15)",
        org_, r.id, r.name, r.kind, r.enabled, r.target_id, r.threshold, r.clear, r.wait_s,
        r.clear_wait_s, r.mail_owners, r.mail_members, r.created_ms, r.created_by,
        r.created_by_email
    ));
    return {};
}

Result<> RuleRepo::update(const Rule& r) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE alert_rule SET name = $3, enabled = $4, target_id = $5, threshold = $6, "
        "clear = $7, wait_s = $8, clear_wait_s = $9, mail_owners = $10, mail_members = $11 "
        "WHERE org_id = $1 AND id = $2",
        org_, r.id, r.name, r.enabled, r.target_id, r.threshold, r.clear, r.wait_s, r.clear_wait_s,
        r.mail_owners, r.mail_members
    ));
    return {};
}

Result<> RuleRepo::remove(const AlertRuleId& id) {
    FAIRLEAD_CHECK(db_.run("DELETE FROM alert_rule WHERE org_id = $1 AND id = $2", org_, id));
    return {};
}

Result<Rule> RuleRepo::get(const AlertRuleId& id) {
    return store::present(
        db_.one<Rule>(FAIRLEAD_RULE " AND id = $2", org_, id), "There is no such alert rule."
    );
}

Result<std::vector<Rule>> RuleRepo::list() {
    return db_.all<Rule>(FAIRLEAD_RULE " ORDER BY id LIMIT 200", org_);
}

Result<std::vector<Rule>> RuleRepo::enabled() {
    return db_.all<Rule>(FAIRLEAD_RULE " AND enabled = 1 ORDER BY id LIMIT 200", org_);
}

Result<std::vector<OrgId>> orgs_with_rules(store::Connection& db) {
    return db.all<OrgId>("SELECT DISTINCT org_id FROM alert_rule WHERE enabled = 1 LIMIT 10000");
}

Result<std::vector<OrgId>> orgs_with_alerts(store::Connection& db) {
    return db.all<OrgId>(
        "SELECT org_id FROM alert_rule WHERE enabled = 1 UNION SELECT org_id FROM alert LIMIT 10000"
    );
}

Result<> erase(store::Connection& db, const api::OrgScope& scope) {
    FAIRLEAD_CHECK(db.run("DELETE FROM alert WHERE org_id = $1", scope.org()));
    FAIRLEAD_CHECK(db.run("DELETE FROM alert_rule WHERE org_id = $1", scope.org()));
    return {};
}

} // namespace fairlead::alerts
