#include "controller/operations/view.hpp"

#include "common/json/json.hpp"
#include "controller/api/nullable.hpp"
#include "controller/operations/operations.hpp"

#include <algorithm>

namespace fairlead::operations {
namespace {

using boost::json::object;
using boost::json::value;

value time(const std::optional<Timestamp>& at) {
    return at ? value(to_rfc3339(*at)) : value(nullptr);
}
constexpr std::string_view permission = "operations.view";

constexpr std::size_t max_sealed_bytes = 128 << 10;
constexpr std::string_view base64url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string project_of(const Operation& operation) {
    return operation.project_id ? operation.project_id->str() : std::string();
}

} // namespace

object to_json(const Step& step) {
    bool moving = step.state == proto::StepState::running || step.state == proto::StepState::done;
    return {
        {"name", step.name},
        {"title", step.title},
        {"state", json::enum_name(step.state)},
        {"percent", moving ? value(step.percent) : value(nullptr)},
        {"started_at", time(step.started_ms)},
        {"finished_at", time(step.finished_ms)},
        {"detail", api::text_or_null(step.detail)}};
}

object to_json(const LoggedLine& line) {
    return {
        {"seq", line.seq},
        {"time", to_rfc3339(line.time_ms)},
        {"level", json::enum_name(line.level)},
        {"step", api::text_or_null(line.step)},
        {"text", line.text}};
}

object to_json(const Operation& o, const std::vector<Step>& steps) {
    boost::json::array step_list;
    for (const auto& step : steps) step_list.push_back(to_json(step));
    object body{
        {"id", o.id.str()},
        {"kind", o.kind},
        {"state", json::enum_name(o.state)},
        {"target",
         {{"type", o.environment_id ? "environment" : "server"},
          {"id", o.environment_id ? o.environment_id->str() : o.server_id.str()},
          {"name", o.target_name}}},
        {"server_id", o.server_id.str()},
        {"requested_by", nullptr},
        {"origin", json::enum_name(o.origin)},
        {"note", api::text_or_null(o.note)},
        {"created_at", to_rfc3339(o.created_ms)},
        {"delivered_at", time(o.delivered_ms)},
        {"started_at", time(o.started_ms)},
        {"finished_at", time(o.finished_ms)},
        {"deadline_at", to_rfc3339(o.deadline_ms)},
        {"cancel_requested", o.cancel_requested},
        {"steps", std::move(step_list)},
        {"result", nullptr},
        {"error", nullptr},
        {"outcome", api::text_or_null(o.outcome)},
    };
    if (o.requested_by)
        body["requested_by"] =
            object{{"id", o.requested_by->str()}, {"email", o.requested_by_email}};
    if (o.result) body["result"] = boost::json::parse(*o.result);
    if (!o.error_code.empty())
        body["error"] = object{
            {"code", o.error_code},
            {"message", o.error_message},
            {"step", api::text_or_null(o.error_step)}};
    return body;
}

object reference(const Operation& o) {
    return {
        {"id", o.id.str()},
        {"kind", o.kind},
        {"state", json::enum_name(o.state)},
        {"created_at", to_rfc3339(o.created_ms)},
        {"finished_at", time(o.finished_ms)}};
}

boost::json::array to_json(const std::vector<proto::Check>& checks) {
    constexpr std::size_t most = 100, longest = 2000;
    boost::json::array list;
    for (const auto& check : checks) {
        if (list.size() == most) break;
        list.push_back(object{
            {"id", cut(check.id, 64)},
            {"title", cut(check.title, 200)},
            {"result", json::enum_name(check.result)},
            {"value", api::text_or_null(cut(check.value, longest))},
            {"need", api::text_or_null(cut(check.need, longest))},
            {"remedy", api::text_or_null(cut(check.remedy, longest))}});
    }
    return list;
}

std::optional<std::string> result_text(const proto::OperationResult& result) {
    object body;
    if (result.preflight) body["checks"] = to_json(result.preflight->checks);
    if (result.release && !result.release->id.empty()) body["release_id"] = result.release->id;
    if (result.downtime_ms) body["downtime_ms"] = *result.downtime_ms;
    if (result.backup && BackupId::parse(result.backup->id)) body["backup_id"] = result.backup->id;
    if (result.drill) {
        body["checks"] = to_json(result.drill->checks);
        body["restore_ms"] = std::min<std::uint64_t>(result.drill->restore_ms, INT64_MAX);
        if (BackupId::parse(result.drill->backup_id)) body["backup_id"] = result.drill->backup_id;
    }
    // Longer than any agent makes it, or no base64url: then it is none of what it says.
    if (!result.sealed.empty() && result.sealed.size() <= max_sealed_bytes &&
        result.sealed.find_first_not_of(base64url) == std::string::npos)
        body["sealed"] = result.sealed;
    boost::json::array removed;
    for (const auto& id : result.removed_backups)
        if (removed.size() < 100 && BackupId::parse(id)) removed.emplace_back(id);
    if (!removed.empty()) body["removed_backups"] = std::move(removed);
    if (body.empty()) return std::nullopt;
    return boost::json::serialize(body);
}

std::string event_text(std::string_view type, const object& data) {
    return "event: " + std::string(type) + "\ndata: " + boost::json::serialize(data) + "\n\n";
}

void add_events(
    std::vector<api::Event>& to, const OrgId& org, const Operation& operation,
    const std::vector<Step>& steps
) {
    auto data = boost::json::serialize(to_json(operation, steps));
    auto project = project_of(operation);
    to.push_back(
        {org, "operation.updated", data, std::string(permission), std::nullopt, false, project}
    );
    to.push_back(
        {org, "operation", std::move(data), std::string(permission), operation.id,
         is_final(operation.state), std::move(project)}
    );
}

void add_events(
    std::vector<api::Event>& to, const OrgId& org, const Operation& operation, const Step& step
) {
    auto data = to_json(step);
    auto project = project_of(operation);
    to.push_back(
        {org, "step", boost::json::serialize(data), std::string(permission), operation.id, false,
         project}
    );
    object with_id{{"operation_id", operation.id.str()}, {"step", std::move(data)}};
    to.push_back(
        {org, "operation.step", boost::json::serialize(with_id), std::string(permission),
         std::nullopt, false, std::move(project)}
    );
}

void add_events(
    std::vector<api::Event>& to, const OrgId& org, const Operation& operation,
    const LoggedLine& line
) {
    to.push_back(
        {org, "log", boost::json::serialize(to_json(line)), "operations.log", operation.id, false,
         project_of(operation)}
    );
}

} // namespace fairlead::operations
