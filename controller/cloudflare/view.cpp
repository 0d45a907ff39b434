#include "controller/cloudflare/view.hpp"

#include "common/json/json.hpp"
#include "controller/api/nullable.hpp"

namespace fairlead::cloudflare {

boost::json::object
to_json(const Hostname& row, const std::string& target, const std::optional<Pause>& pause) {
    auto code = row.error_code, message = row.error_message;
    std::optional<Timestamp> next = row.next_ms;
    // What stops all of them is what stops this one, once its time has come.
    if (pause && (!pause->until || row.next_ms < *pause->until)) {
        next = pause->until;
        code = pause->code;
        message = pause->message;
    }
    return {
        {"id", row.id.str()},
        {"name", row.name},
        {"served_by", "Cloudflare"},
        {"state", json::enum_name(row.state)},
        {"hostname_status", api::text_or_null(row.status)},
        {"certificate_status", api::text_or_null(row.ssl_status)},
        {"cname_target", api::text_or_null(target)},
        {"looked_at", api::time_or_null(row.looked_ms)},
        {"next_look_at", api::time_or_null(next)},
        {"error", api::error_or_null(code, message)},
        {"created_at", to_rfc3339(row.created_ms)}};
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

api::Act act_on(const Hostname& row, std::string action) {
    api::Act act;
    act.action = std::move(action);
    act.target_type = "custom_hostname";
    act.target_id = row.id.str();
    act.target_name = row.name;
    return act;
}

} // namespace fairlead::cloudflare
