#include "controller/api/routes.hpp"

#include "controller/api/checks.hpp"
#include "controller/audit/audit.hpp"

#include <boost/json.hpp>

namespace fairlead::audit {
namespace {

using api::Call;
using api::Response;

boost::json::value text_or_null(const std::optional<std::string>& text) {
    return text ? boost::json::value(*text) : boost::json::value(nullptr);
}

boost::json::value parsed_or_null(const std::optional<std::string>& text) {
    return text ? boost::json::parse(*text) : boost::json::value(nullptr);
}

boost::json::value to_json(const Entry& entry) {
    boost::json::value target = nullptr;
    if (entry.target_id)
        target = {
            {"type", entry.target_type.value_or("")},
            {"id", *entry.target_id},
            {"name", entry.target_name.value_or("")}};
    return {
        {"id", entry.id.str()},
        {"at", to_rfc3339(entry.at)},
        {"actor",
         {{"type", entry.actor_type},
          {"id", text_or_null(entry.actor_id)},
          {"label", entry.actor_label}}},
        {"action", entry.action},
        {"target", std::move(target)},
        {"result", entry.result},
        {"address", text_or_null(entry.address)},
        {"user_agent", text_or_null(entry.user_agent)},
        {"request_id", text_or_null(entry.request_id)},
        {"before", parsed_or_null(entry.before)},
        {"after", parsed_or_null(entry.after)},
    };
}

/// Words of small letters and underscores with dots between them.
bool is_action(std::string_view text) {
    if (text.empty() || text.front() == '.' || text.back() == '.') return false;
    return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_.") == std::string_view::npos &&
           text.find("..") == std::string_view::npos;
}

Result<Filter> filter_of(const Call& call, const api::Page& page) {
    Filter filter;
    filter.below = page.after;
    filter.limit = page.limit + 1;
    api::Checks checks;
    auto text = [&](std::string_view name, std::string& into) {
        into = call.query(name).value_or("");
        if (call.query(name)) checks.length(name, into, 1, 64);
    };
    auto time = [&](std::string_view name, std::optional<Timestamp>& into) {
        auto given = call.query(name);
        if (!given) return;
        auto at = from_rfc3339(*given);
        if (at)
            into = *at;
        else
            checks.wrong(name, "must be a time such as 2026-01-31T23:59:59Z");
    };
    text("actor", filter.actor);
    text("action", filter.action);
    text("target", filter.target);
    if (!filter.action.empty())
        checks.that(
            is_action(filter.action), "action",
            "must be an action such as environment.deploy, or what stands before its dot"
        );
    time("after", filter.after);
    time("before", filter.before);
    FAIRLEAD_CHECK(checks.result());
    return filter;
}

Result<Response> list(const Call& call, store::Store& store) {
    FAIRLEAD_TRY(page, api::Page::of(call));
    FAIRLEAD_TRY(filter, filter_of(call, page));
    auto rows = [&](store::Connection& db, const auto&) {
        return AuditRepo(db, call.scope()).list(filter);
    };
    return api::list_page(call, store, rows, &to_json);
}

} // namespace

void add_audit_routes(api::RouteTable& table, store::Store& store) {
    api::Routes routes(table, store, "/api/v1/orgs/{org}/audit");
    routes.get("", "audit.view", &list);
}

} // namespace fairlead::audit
