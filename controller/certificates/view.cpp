#include "controller/certificates/view.hpp"

#include "common/json/json.hpp"
#include "controller/api/nullable.hpp"

namespace fairlead::certificates {

boost::json::object to_json(const Certificate& c, const std::optional<Pause>& pause) {
    auto code = c.error_code, message = c.error_message;
    std::optional<Timestamp> next = c.next_ms;
    // What stops all of them is what stops this one, once its time has come; unless somebody asked.
    if (pause && (!pause->until || (!c.asked && c.next_ms < *pause->until))) {
        next = pause->until;
        code = pause->code;
        message = pause->message;
    }
    return {
        {"id", c.id.str()},
        {"name", c.name},
        {"state", json::enum_name(c.state)},
        {"running", c.running},
        {"issuer", api::text_or_null(c.issuer)},
        {"serial", api::text_or_null(c.serial)},
        {"not_before", api::time_or_null(c.not_before_ms)},
        {"not_after", api::time_or_null(c.not_after_ms)},
        {"next_attempt_at", api::time_or_null(next)},
        {"failures", c.failures},
        {"failing_since", api::time_or_null(c.failing_since_ms)},
        {"error", api::error_or_null(code, message)},
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
