#include "controller/logs/routes.hpp"

#include "controller/api/query.hpp"
#include "controller/api/routes.hpp"
#include "controller/environments/environment_repo.hpp"
#include "controller/fleet/reachable.hpp"
#include "controller/fleet/server_repo.hpp"
#include "proto/messages.hpp"

#include <algorithm>

namespace fairlead::logs {
namespace {

using api::Call;
using api::Change;
using api::Response;
using environments::Environment;
using environments::EnvironmentRepo;
using fleet::Server;
using fleet::ServerRepo;

Result<> may_be_read(const Server& server) {
    return fleet::check_reachable(server, proto::logs_since, "logs could be read");
}

Asked asked_by(const Call& call, proto::LogPurpose what, const Server& server) {
    const auto& who = call.principal();
    Asked asked{
        .id = ReadingId::make(call.now()),
        .scope = call.scope(),
        .server = server.id,
        .server_name = server.name,
        .environment = {},
        .environment_name = {},
        .what = std::move(what),
        .user = who.user,
        .reader = who.id(),
        .actor = call.actor(),
        .made = call.now(),
        .lasts = who.lasts(call.now()),
        .bonds = who.bonds()};
    asked.what.log = asked.id.str();
    return asked;
}

std::string file_name(const Asked& asked) {
    auto name = (asked.environment ? asked.environment_name : asked.server_name) + "-" +
                asked.what.source + "-" + to_rfc3339(asked.made).substr(0, 10) + ".log";
    std::ranges::replace_if(
        name,
        [](char c) {
            return !(
                (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                c == '-' || c == '.' || c == '_'
            );
        },
        '_'
    );
    return name;
}

/// Paging on in what was looked at is no look of its own; a file always is one.
Result<> write_down(const Call& call, const RouteParts& parts, const Asked& asked) {
    auto look = look_of(asked);
    bool goes_on = !asked.is_file() && !asked.what.cursor.empty();
    if (goes_on && parts.directory.was_noted(look, call.now())) return {};
    FAIRLEAD_CHECK(api::change(call, parts.desk, [&](Change& change) -> Result<Response> {
        change.record(act_on(asked, asked.is_file() ? "logs.download" : "logs.view"));
        return api::no_content();
    }));
    if (!asked.is_file()) parts.directory.note(look, call.now());
    return {};
}

Result<Response> offer(const Call& call, const RouteParts& parts, Asked asked) {
    Response response;
    response.content_type = asked.is_file() ? "text/plain; charset=utf-8" : "application/x-ndjson";
    if (asked.is_file())
        response.headers.emplace_back(
            "Content-Disposition", "attachment; filename=\"" + file_name(asked) + "\""
        );
    if (call.request().method == api::Method::head) return response;
    FAIRLEAD_TRY(held, parts.directory.reserve(std::move(asked)));
    auto written = write_down(call, parts, *held);
    if (!written) {
        parts.directory.remove(held->id);
        return fail(std::move(written).error());
    }
    response.offer = api::BodyOffer{held->id.str()};
    return response;
}

Result<Response> of_environment(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_TRY(what, purpose_of(call));
    std::optional<Server> server;
    FAIRLEAD_TRY(
        environment, parts.desk.store.read([&](store::Connection& db) -> Result<Environment> {
            FAIRLEAD_TRY(found, EnvironmentRepo(db, call.scope()).get(id));
            FAIRLEAD_TRY(stands_on, ServerRepo(db, call.scope()).get(found.server_id));
            server = std::move(stands_on);
            return found;
        })
    );
    FAIRLEAD_CHECK(may_be_read(*server));
    what.source = "odoo";
    what.environment = environment.id.str();
    auto asked = asked_by(call, std::move(what), *server);
    asked.environment = environment.id;
    asked.environment_name = environment.name;
    return offer(call, parts, std::move(asked));
}

Result<Response> of_server(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(id, call.path_id<ServerId>("server"));
    FAIRLEAD_TRY(source, api::query_word(call, "source", {"agent", "postgresql"}));
    FAIRLEAD_TRY(what, purpose_of(call));
    FAIRLEAD_TRY(server, parts.desk.store.read([&](store::Connection& db) {
        return ServerRepo(db, call.scope()).get(id);
    }));
    FAIRLEAD_CHECK(may_be_read(server));
    what.source = source;
    return offer(call, parts, asked_by(call, std::move(what), server));
}

} // namespace

void add_routes(api::RouteTable& table, const RouteParts& parts) {
    api::Routes environments(table, parts, "/api/v1/orgs/{org}/environments/{environment}");
    environments.get("/logs", "logs.view", &of_environment);
    api::Routes servers(table, parts, "/api/v1/orgs/{org}/servers/{server}");
    servers.get("/logs", "logs.server", &of_server);
}

} // namespace fairlead::logs
