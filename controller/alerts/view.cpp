#include "controller/alerts/view.hpp"

#include "common/json/json.hpp"
#include "controller/api/nullable.hpp"

namespace fairlead::alerts {

using boost::json::object;
using boost::json::value;

namespace {

/// Thresholds of a state say nothing.
value limit(const Rule& rule, double of) {
    return facts_of(rule.kind).bad == Bad::state ? value(nullptr) : value(of);
}

value number(const Alert& alert, double of) {
    return facts_of(alert.kind).bad == Bad::state ? value(nullptr) : value(of);
}

} // namespace

std::vector<std::string> mail_members(const Rule& rule) {
    auto read =
        json::decode<std::vector<std::string>>(rule.mail_members, json::Strictness::lenient);
    return read ? *std::move(read) : std::vector<std::string>();
}

std::string_view type_of(std::string_view id) {
    if (id.starts_with(ServerIdKind::prefix)) return "server";
    if (id.starts_with(EnvironmentIdKind::prefix)) return "environment";
    return "certificate";
}

object to_json(const Rule& r) {
    return {
        {"id", r.id.str()},
        {"name", r.name},
        {"kind", json::enum_name(r.kind)},
        {"enabled", r.enabled},
        {"target_id", api::text_or_null(r.target_id)},
        {"threshold", limit(r, r.threshold)},
        {"clear", limit(r, r.clear)},
        {"for_s", r.wait_s},
        {"clear_for_s", r.clear_wait_s},
        {"mail", {{"owners", r.mail_owners}, {"members", json::to_value(mail_members(r))}}},
        {"created_at", to_rfc3339(r.created_ms)},
        {"created_by", {{"id", r.created_by.str()}, {"email", r.created_by_email}}}};
}

object to_json(const Alert& a) {
    return {
        {"id", a.id.str()},
        {"rule_id", a.rule_id.str()},
        {"rule_name", a.rule_name},
        {"kind", json::enum_name(a.kind)},
        {"subject",
         {{"type", type_of(a.subject_id)}, {"id", a.subject_id}, {"name", a.subject_name}}},
        {"state", a.open() ? "firing" : json::enum_name(a.state)},
        {"value", number(a, a.value)},
        {"threshold", number(a, a.threshold)},
        {"fired_at", api::time_or_null(a.fired_ms)},
        {"ended_at", api::time_or_null(a.ended_ms)}};
}

object told_of(const Alert& a) {
    return {
        {"alert_id", a.id.str()},
        {"rule_id", a.rule_id.str()},
        {"rule_name", a.rule_name},
        {"kind", json::enum_name(a.kind)},
        {"subject_type", type_of(a.subject_id)},
        {"subject_id", a.subject_id},
        {"subject_name", a.subject_name},
        {"value", number(a, a.value)},
        {"threshold", number(a, a.threshold)},
        {"fired_at", api::time_or_null(a.fired_ms)},
        {"ended_at", api::time_or_null(a.ended_ms)}};
}

object audit_facts(const Rule& r) {
    auto all = to_json(r);
    for (const char* name : {"id", "name", "created_at", "created_by"}) all.erase(name);
    return all;
}

api::Event updated_event(const OrgId& org) {
    return {org, "alerts.updated", "{}", "alerts.view", std::nullopt, false};
}

} // namespace fairlead::alerts
