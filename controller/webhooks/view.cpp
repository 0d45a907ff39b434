#include "controller/webhooks/view.hpp"

#include "common/json/json.hpp"
#include "controller/api/nullable.hpp"

#include <boost/json.hpp>

namespace fairlead::webhooks {

boost::json::object to_json(const Webhook& w) {
    boost::json::value disabled = nullptr;
    if (w.disabled_ms)
        disabled = boost::json::object{
            {"at", to_rfc3339(*w.disabled_ms)},
            {"code", w.disabled_code},
            {"message", w.disabled_message},
            {"delivery_id", w.disabled_delivery.empty() ? boost::json::value(nullptr)
                                                        : boost::json::value(w.disabled_delivery)}};
    return {
        {"id", w.id.str()},
        {"url", w.url},
        {"description", w.description},
        {"events", boost::json::parse(w.events)},
        {"state", json::enum_name(w.state)},
        {"disabled", std::move(disabled)},
        {"waiting", w.waiting},
        {"last_delivered_at", api::time_or_null(w.last_delivered_ms)},
        {"last_failed_at", api::time_or_null(w.last_failed_ms)},
        {"secret_rotated_at", api::time_or_null(w.rotated_ms)},
        {"old_secret_until", api::time_or_null(w.old_until_ms)},
        {"created_at", to_rfc3339(w.created_ms)},
        {"created_by", {{"id", w.created_by.str()}, {"email", w.created_by_email}}}};
}

boost::json::object to_json(const Delivery& d) {
    return {
        {"id", d.id.str()},
        {"webhook_id", d.webhook_id.str()},
        {"event", d.event},
        {"state", json::enum_name(d.state)},
        {"attempts", d.attempts},
        {"created_at", to_rfc3339(d.created_ms)},
        {"next_attempt_at", api::time_or_null(d.next_ms)},
        {"delivered_at", api::time_or_null(d.delivered_ms)},
        {"status", json::to_value(d.status)},
        {"error", api::error_or_null(d.error_code, d.error_message)}};
}

boost::json::object to_json(const Attempt& a) {
    return {
        {"number", a.number},
        {"at", to_rfc3339(a.at_ms)},
        {"duration_ms", a.duration_ms},
        {"status", json::to_value(a.status)},
        {"error", api::error_or_null(a.error_code, a.error_message)},
        {"response", json::to_value(a.response)}};
}

api::Event event(const OrgId& org, std::string type, const boost::json::object& data) {
    // Of the whole organization: whoever is limited to projects holds no permission for it.
    return {
        org, std::move(type), boost::json::serialize(data), "webhooks.view", std::nullopt, false,
        ""};
}

api::Act act_on(const Webhook& webhook, std::string action) {
    api::Act act;
    act.action = std::move(action);
    act.target_type = "webhook";
    act.target_id = webhook.id.str();
    act.target_name = webhook.origin();
    return act;
}

boost::json::object audit_facts(const Webhook& w) {
    return {
        {"origin", w.origin()},
        {"description", w.description},
        {"events", boost::json::parse(w.events)},
        {"enabled", w.state == WebhookState::active}};
}

} // namespace fairlead::webhooks
