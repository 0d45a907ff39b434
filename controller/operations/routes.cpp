#include "controller/operations/routes.hpp"

#include "common/json/json.hpp"
#include "controller/api/query.hpp"
#include "controller/api/routes.hpp"
#include "controller/operations/view.hpp"

#include <fmt/core.h>

#include <array>

namespace fairlead::operations {
namespace {

using api::Call;
using api::Response;

bool known_kind(std::string_view kind) {
    constexpr std::array kinds{
        proto::kind::ping,           proto::kind::preflight,   proto::kind::deploy,
        proto::kind::rollback,       proto::kind::start,       proto::kind::stop,
        proto::kind::restart,        proto::kind::remove,      proto::kind::clone,
        proto::kind::storage_test,   proto::kind::backup,      proto::kind::backup_configure,
        proto::kind::backup_delete,  proto::kind::restore,     proto::kind::drill,
        proto::kind::import_analyse, proto::kind::import_run,  proto::kind::import_discard,
        proto::kind::recipient,      proto::kind::grant,       proto::kind::ssh_keys,
        proto::kind::mail_configure, proto::kind::mail_delete, proto::kind::odoo_users,
        proto::kind::odoo_login,     proto::kind::agent_update};
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

Result<Response> list(const Call& call, Operations& operations) {
    FAIRLEAD_TRY(page, api::Page::of(call));
    FAIRLEAD_TRY(environment, api::query_id<EnvironmentId>(call, "environment"));
    FAIRLEAD_TRY(server, api::query_id<ServerId>(call, "server"));
    FAIRLEAD_TRY(state, api::query_enum<State>(call, "state"));
    std::string kind(call.query("kind").value_or(""));
    if (call.query("kind") && !known_kind(kind))
        return api::bad_query("kind", kind, "must be a kind of operation, such as deploy");
    OperationFilter filter{environment, server, state, kind, page.after, page.limit + 1};
    return operations.desk().store.read([&](store::Connection& db) -> Result<Response> {
        OperationRepo repo(db, call.scope());
        FAIRLEAD_TRY(rows, repo.list(filter));
        boost::json::array items;
        for (const auto& operation : rows) {
            FAIRLEAD_TRY(steps, repo.steps(operation.id));
            items.push_back(to_json(operation, steps));
        }
        return api::page_of(std::move(items), page);
    });
}

Result<Response> get(const Call& call, Operations& operations) {
    FAIRLEAD_TRY(id, call.path_id<OperationId>("operation"));
    return operations.desk().store.read([&](store::Connection& db) -> Result<Response> {
        OperationRepo repo(db, call.scope());
        FAIRLEAD_TRY(operation, repo.get(id));
        FAIRLEAD_TRY(steps, repo.steps(id));
        return api::answer(to_json(operation, steps));
    });
}

Result<Response> get_log(const Call& call, Operations& operations) {
    FAIRLEAD_TRY(id, call.path_id<OperationId>("operation"));
    FAIRLEAD_TRY(after, api::query_number(call, "after", 0, 9007199254740991));
    FAIRLEAD_TRY(limit, api::query_number(call, "limit", 1, 1000));
    auto most = static_cast<std::int64_t>(limit.value_or(500));
    return operations.desk().store.read([&](store::Connection& db) -> Result<Response> {
        OperationRepo repo(db, call.scope());
        FAIRLEAD_CHECK(repo.get(id));
        FAIRLEAD_TRY(lines, repo.log(id, static_cast<std::int64_t>(after.value_or(0)), most + 1));
        boost::json::value next = nullptr;
        if (static_cast<std::int64_t>(lines.size()) > most) {
            lines.pop_back();
            next = lines.back().seq;
        }
        boost::json::array data;
        for (const auto& line : lines) data.push_back(to_json(line));
        return api::answer(boost::json::object{
            {"data", std::move(data)}, {"next_after", std::move(next)}});
    });
}

Result<Response> stream(const Call& call, Operations& operations) {
    FAIRLEAD_TRY(id, call.path_id<OperationId>("operation"));
    FAIRLEAD_TRY(seen, api::last_event_id(call));

    const auto& events = operations.desk().events;
    api::EventStream stream;
    // Before the read: what happens between the two is sent twice rather than never.
    stream.after = events.position();
    bool resumes = seen && events.can_resume(*seen);
    if (resumes) stream.after = seen;
    stream.org = call.scope().org();
    stream.operation = id;
    stream.bonds = call.principal().bonds();
    stream.lasts = call.principal().lasts(call.now());
    if (const auto& held = call.principal().permissions) stream.permissions = *held;
    auto read = operations.desk().store.read([&](store::Connection& db) -> Result<> {
        OperationRepo repo(db, call.scope());
        FAIRLEAD_TRY(operation, repo.get(id));
        FAIRLEAD_TRY(steps, repo.steps(id));
        stream.ends = is_final(operation.state);
        if ((!resumes || stream.ends) && call.principal().may("operations.log")) {
            FAIRLEAD_TRY(lines, repo.log(id, 0, max_log_lines));
            for (const auto& line : lines) stream.first += event_text("log", to_json(line));
        }
        stream.first += event_text("operation", to_json(operation, steps));
        return {};
    });
    FAIRLEAD_CHECK(std::move(read));
    Response response;
    response.content_type = "text/event-stream";
    response.events = std::move(stream);
    return response;
}

Result<Response> cancel(const Call& call, Operations& operations) {
    FAIRLEAD_TRY(id, call.path_id<OperationId>("operation"));
    return api::change(call, operations.desk(), [&](api::Change& change) -> Result<Response> {
        FAIRLEAD_TRY(
            operation, operations.cancel(change.unit(), change.scope(), change.actor(), id)
        );
        FAIRLEAD_TRY(steps, OperationRepo(change.db(), change.scope()).steps(id));
        return api::accepted(
            to_json(operation, steps), call.request().path.substr(0, call.request().path.rfind('/'))
        );
    });
}

} // namespace

Response accepted(const api::OrgScope& scope, const Operation& operation) {
    return api::accepted(
        to_json(operation, {}),
        fmt::format("/api/v1/orgs/{}/operations/{}", scope.org().str(), operation.id.str())
    );
}

void add_operation_routes(api::RouteTable& table, Operations& operations) {
    api::Routes routes(table, operations, "/api/v1/orgs/{org}/operations");
    routes.get("", "operations.view", &list);
    routes.get("/{operation}", "operations.view", &get);
    routes.get("/{operation}/log", "operations.log", &get_log);
    routes.get("/{operation}/events", "operations.view", &stream);
    routes.post("/{operation}/cancel", "operations.cancel", &cancel);
}

} // namespace fairlead::operations
