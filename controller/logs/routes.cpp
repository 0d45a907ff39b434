#include "controller/logs/routes.hpp"

#include "controller/api/query.hpp"
#include "controller/api/routes.hpp"
#include "controller/environments/counts.hpp"
#include "controller/environments/environment_repo.hpp"
#include "controller/fleet/reachable.hpp"
#include "controller/fleet/server_repo.hpp"
#include "controller/logs/offering.hpp"
#include "proto/messages.hpp"

namespace fairlead::logs {
namespace {

using api::Call;
using api::Response;
using environments::Environment;
using environments::EnvironmentRepo;
using fleet::Server;
using fleet::ServerRepo;

Result<> may_be_read(const Server& server) {
    return fleet::check_reachable(server, proto::logs_since, "logs could be read");
}

Result<> may_be_replayed(const Server& server) {
    return fleet::check_reachable(
        server, proto::recordings_since, "recordings of terminals could be shown"
    );
}

Result<Response> offer_log(const Call& call, const RouteParts& parts, Asked asked) {
    asked.what.log = asked.id.str();
    Response response;
    response.content_type = asked.is_file() ? "text/plain; charset=utf-8" : "application/x-ndjson";
    if (asked.is_file())
        name_file(
            response, (asked.environment ? asked.environment_name : asked.server_name) + "-" +
                          asked.what.source + "-" + to_rfc3339(asked.made).substr(0, 10) + ".log"
        );
    // Paging on in what was looked at is no look of its own; a file always is one.
    bool goes_on = !asked.is_file() && !asked.what.cursor.empty();
    auto action = asked.is_file() ? "logs.download" : "logs.view";
    return offer(call, parts, std::move(asked), action, goes_on, std::move(response));
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
    auto asked = asked_by(call, *server);
    asked.what = std::move(what);
    asked.environment = environment.id;
    asked.environment_name = environment.name;
    return offer_log(call, parts, std::move(asked));
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
    auto asked = asked_by(call, server);
    asked.what = std::move(what);
    return offer_log(call, parts, std::move(asked));
}

/// `id`: a replay; "": the list. What was on the screen of a server where production runs is shown
/// as a terminal there is opened: for a fresh proof, and to no key.
Result<Response> recordings(const Call& call, const RouteParts& parts, std::string id) {
    FAIRLEAD_TRY(server_id, call.path_id<ServerId>("server"));
    bool production = false;
    FAIRLEAD_TRY(server, parts.desk.store.read([&](store::Connection& db) -> Result<Server> {
        FAIRLEAD_TRY(found, ServerRepo(db, call.scope()).get(server_id));
        FAIRLEAD_TRY(any, environments::production_on(db, call.scope(), found.id));
        production = any;
        return found;
    }));
    if (production && !id.empty()) FAIRLEAD_CHECK(call.principal().proved_lately(call.now()));
    FAIRLEAD_CHECK(may_be_replayed(server));
    auto asked = asked_by(call, server);
    proto::RecordingPurpose what;
    what.kind = proto::RecordingPurpose::recording_kind;
    what.log = asked.id.str();
    what.recording = std::move(id);
    asked.recording = std::move(what);
    bool replay = asked.is_replay();
    Response response;
    response.content_type = replay ? "application/x-asciicast" : "application/x-ndjson";
    if (replay) name_file(response, asked.recording->recording + ".cast");
    auto action = replay ? "recordings.replay" : "recordings.view";
    // The same list again is no look of its own; a replay always is one.
    return offer(call, parts, std::move(asked), action, !replay, std::move(response));
}

Result<Response> list_recordings(const Call& call, const RouteParts& parts) {
    return recordings(call, parts, "");
}

/// By the id of the terminal; whether there is such a recording, the server alone knows.
Result<Response> replay(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(id, call.path_id<RecordedId>("recording"));
    return recordings(call, parts, id.str());
}

} // namespace

void add_routes(api::RouteTable& table, const RouteParts& parts) {
    api::Routes environments(table, parts, "/api/v1/orgs/{org}/environments/{environment}");
    environments.get("/logs", "logs.view", &of_environment);
    api::Routes servers(table, parts, "/api/v1/orgs/{org}/servers/{server}");
    servers.get("/logs", "logs.server", &of_server);
    servers.get("/recordings", "recordings.view", &list_recordings);
    servers.get("/recordings/{recording}", "recordings.view", &replay);
}

} // namespace fairlead::logs
