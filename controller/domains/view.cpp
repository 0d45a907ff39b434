#include "controller/domains/view.hpp"

#include "common/json/json.hpp"
#include "controller/api/nullable.hpp"
#include "controller/domains/names.hpp"

#include <boost/json.hpp>

namespace fairlead::domains {
namespace {

using boost::json::object;
using boost::json::value;

value method_or_null(Method method) {
    return method == Method::none ? value(nullptr) : value(json::enum_name(method));
}

/// What puts a proof where it is looked for. A wildcard is proved by DNS alone.
object challenge(const Domain& d) {
    value file = nullptr;
    if (!is_wildcard(d.name))
        file = object{
            {"path", file_path(d)},
            {"url", "https://" + d.name + file_path(d)},
            {"text", file_text(d)}};
    return {
        {"record",
         {{"name", std::string(challenge_label) + std::string(base_of(d.name))},
          {"type", "TXT"},
          {"value", record_value(d)}}},
        {"file", std::move(file)}};
}

} // namespace

object to_json(const Domain& d) {
    std::optional<Timestamp> fails;
    if (d.failing_ms && d.state == State::verified) fails = *d.failing_ms + grace;
    return {
        {"id", d.id.str()},
        {"name", d.name},
        {"state", json::enum_name(d.state)},
        {"method", method_or_null(d.method)},
        {"challenge", d.state == State::failed ? value(nullptr) : value(challenge(d))},
        {"checking", d.asked_ms.has_value()},
        {"checked_at", api::time_or_null(d.checked_ms)},
        {"next_check_at", api::time_or_null(d.next_check_ms)},
        {"last_error", api::error_or_null(d.error_code, d.error_message)},
        {"verified_at", api::time_or_null(d.verified_ms)},
        {"failing_since", api::time_or_null(d.failing_ms)},
        {"fails_at", api::time_or_null(fails)},
        {"failed_at", api::time_or_null(d.failed_ms)},
        {"expires_at", api::time_or_null(d.expires_ms)},
        {"created_at", to_rfc3339(d.created_ms)},
        {"created_by", {{"id", d.created_by.str()}, {"email", d.created_by_email}}}};
}

api::Event event(const OrgId& org, std::string type, const object& data) {
    // Of the whole organization: whoever is limited to projects holds no permission for it.
    return {org, std::move(type), boost::json::serialize(data), "domains.view", std::nullopt, false,
            ""};
}

object told_of(const Domain& d, News news) {
    object data{{"domain_id", d.id.str()}, {"name", d.name}};
    if (news == News::verified) {
        data["method"] = json::enum_name(d.method);
        return data;
    }
    data["reason"] = news == News::expired ? "not_proved" : "proof_missing";
    data["error"] = d.error_code;
    return data;
}

object audit_facts(const Domain& d) {
    return {
        {"state", json::enum_name(d.state)},
        {"method", method_or_null(d.method)},
        {"error", api::text_or_null(d.error_code)}};
}

} // namespace fairlead::domains
