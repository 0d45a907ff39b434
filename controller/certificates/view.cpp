#include "controller/certificates/view.hpp"

#include "common/json/json.hpp"

namespace fairlead::certificates {
namespace {

boost::json::value time_or_null(const std::optional<Timestamp>& at) {
    if (!at) return nullptr;
    return boost::json::value(to_rfc3339(*at));
}

boost::json::value text_or_null(const std::string& text) {
    if (text.empty()) return nullptr;
    return boost::json::value(text);
}

} // namespace

boost::json::object to_json(const Certificate& c, const std::optional<Pause>& pause) {
    auto code = c.error_code, message = c.error_message;
    std::optional<Timestamp> next = c.next_ms;
    // What stops all of them is what stops this one, once its time has come; unless somebody asked.
    if (pause && (!pause->until || (!c.asked && c.next_ms < *pause->until))) {
        next = pause->until;
        code = pause->code;
        message = pause->message;
    }
    boost::json::value error = nullptr;
    if (!code.empty()) error = boost::json::object{{"code", code}, {"message", message}};
    return {
        {"id", c.id.str()},
        {"name", c.name},
        {"state", json::enum_name(c.state)},
        {"running", c.running},
        {"issuer", text_or_null(c.issuer)},
        {"serial", text_or_null(c.serial)},
        {"not_before", time_or_null(c.not_before_ms)},
        {"not_after", time_or_null(c.not_after_ms)},
        {"next_attempt_at", time_or_null(next)},
        {"failures", c.failures},
        {"failing_since", time_or_null(c.failing_since_ms)},
        {"error", std::move(error)},
        {"created_at", to_rfc3339(c.created_ms)}};
}

api::Event event(const OrgId& org, std::string type, const boost::json::object& data) {
    // Of the whole organization: whoever is limited to projects holds no permission for it.
    return {org,
            std::move(type),
            boost::json::serialize(data),
            "certificates.view",
            std::nullopt,
            false,
            ""};
}

api::Act act_on(const Certificate& certificate, std::string action) {
    api::Act act;
    act.action = std::move(action);
    act.target_type = "certificate";
    act.target_id = certificate.id.str();
    act.target_name = certificate.name;
    return act;
}

} // namespace fairlead::certificates
