#include "controller/alerts/routes.hpp"

#include "controller/alerts/rule_body.hpp"
#include "controller/alerts/view.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/query.hpp"
#include "controller/api/routes.hpp"

#include <algorithm>

namespace fairlead::alerts {
namespace {

using api::Call;
using api::Change;
using api::Response;

Result<Response> list(const Call& call, Alerts& alerts) {
    FAIRLEAD_TRY(which, api::query_word(call, "state", {"firing", "past"}));
    return api::list_page(
        call, alerts.parts().store,
        [&](store::Connection& db, const api::Page& page) {
            return AlertRepo(db, call.scope()).list(which == "firing", page.after, page.limit + 1);
        }
    );
}

Response shown(const std::vector<Rule>& rules) {
    boost::json::array items;
    for (const auto& rule : rules) items.push_back(to_json(rule));
    return api::answer(boost::json::object{{"data", std::move(items)}, {"next_cursor", nullptr}});
}

Result<Response> rules(const Call& call, Alerts& alerts) {
    return alerts.parts().store.read([&](store::Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(all, RuleRepo(db, call.scope()).list());
        return shown(all);
    });
}

Result<> add(Change& change, const Call& call, Rule& rule) {
    RuleRepo repo(change.db(), change.scope());
    FAIRLEAD_TRY(all, repo.list());
    FAIRLEAD_CHECK(api::check_room(
        static_cast<std::int64_t>(all.size()), max_rules, "too_many_alert_rules", "alert rules"
    ));
    rule.id = AlertRuleId::make(call.now());
    rule.created_ms = call.now();
    rule.created_by = call.principal().user;
    rule.created_by_email = call.principal().email;
    FAIRLEAD_CHECK(repo.insert(rule));
    change.record("alert_rule.create", "alert_rule", rule, audit_facts(rule));
    return {};
}

Result<Response> create(const Call& call, Alerts& alerts) {
    FAIRLEAD_TRY(body, call.body<NewRuleBody>());
    return api::change(call, alerts.desk(), [&](Change& change) -> Result<Response> {
        auto rule = recommended(body.kind);
        FAIRLEAD_CHECK(take(change.db(), change.scope(), body.rest(), rule));
        FAIRLEAD_CHECK(add(change, call, rule));
        change.publish(updated_event(change.scope().org()));
        return api::answer(to_json(rule), 201);
    });
}

/// One of each kind that there is no rule of.
Result<Response> create_recommended(const Call& call, Alerts& alerts) {
    return api::change(call, alerts.desk(), [&](Change& change) -> Result<Response> {
        RuleRepo repo(change.db(), change.scope());
        FAIRLEAD_TRY(before, repo.list());
        bool any = false;
        for (const auto& facts : all_kinds()) {
            if (std::ranges::find(before, facts.kind, &Rule::kind) != before.end()) continue;
            auto rule = recommended(facts.kind);
            FAIRLEAD_CHECK(add(change, call, rule));
            any = true;
        }
        if (any)
            change.publish(updated_event(change.scope().org()));
        else
            change.nothing_changed();
        FAIRLEAD_TRY(all, repo.list());
        return shown(all);
    });
}

Result<Response> edit(const Call& call, Alerts& alerts) {
    FAIRLEAD_TRY(id, call.path_id<AlertRuleId>("alert_rule"));
    FAIRLEAD_TRY(body, call.body<RuleBody>());
    api::Checks checks;
    checks.that(!body.empty(), "(document)", "must change something");
    FAIRLEAD_CHECK(checks.result());
    return api::change(call, alerts.desk(), [&](Change& change) -> Result<Response> {
        RuleRepo repo(change.db(), change.scope());
        FAIRLEAD_TRY(before, repo.get(id));
        auto rule = before;
        FAIRLEAD_CHECK(take(change.db(), change.scope(), body, rule));
        FAIRLEAD_CHECK(repo.update(rule));
        if (!rule.enabled)
            FAIRLEAD_CHECK(AlertRepo(change.db(), change.scope()).end_of_rule(id, call.now()));
        change.record(
            "alert_rule.edit", "alert_rule", rule, audit_facts(rule), audit_facts(before)
        );
        change.publish(updated_event(change.scope().org()));
        return api::answer(to_json(rule));
    });
}

Result<Response> remove(const Call& call, Alerts& alerts) {
    FAIRLEAD_TRY(id, call.path_id<AlertRuleId>("alert_rule"));
    return api::change(call, alerts.desk(), [&](Change& change) -> Result<Response> {
        RuleRepo repo(change.db(), change.scope());
        FAIRLEAD_TRY(rule, repo.get(id));
        FAIRLEAD_CHECK(repo.remove(id));
        FAIRLEAD_CHECK(AlertRepo(change.db(), change.scope()).end_of_rule(id, call.now()));
        change.record("alert_rule.delete", "alert_rule", rule, {}, audit_facts(rule));
        change.publish(updated_event(change.scope().org()));
        return api::no_content();
    });
}

} // namespace

void add_routes(api::RouteTable& table, Alerts& alerts) {
    api::Routes routes(table, alerts, "/api/v1/orgs/{org}");
    routes.get("/alerts", "alerts.view", &list);
    routes.get("/alert-rules", "alerts.view", &rules);
    routes.post("/alert-rules", "alerts.edit", &create);
    routes.post("/alert-rules/recommended", "alerts.edit", &create_recommended);
    routes.patch("/alert-rules/{alert_rule}", "alerts.edit", &edit);
    routes.remove("/alert-rules/{alert_rule}", "alerts.edit", &remove);
}

} // namespace fairlead::alerts
