#include "common/json/json.hpp"
#include "controller/api/change.hpp"
#include "controller/api/routes.hpp"
#include "controller/environments/routes.hpp"
#include "controller/environments/view.hpp"
#include "controller/operations/routes.hpp"

namespace fairlead::environments {
namespace {

using api::Call;
using api::Change;
using api::Response;
using store::Connection;

struct RollbackBody {
    std::string release_id;
    proto::DatabaseChoice database = proto::DatabaseChoice::keep;
    std::optional<std::string> note;
};
BOOST_DESCRIBE_STRUCT(RollbackBody, (), (release_id, database, note))

/// {"update": "auto" | "none" | "all" | [modules], "backup_first": …, "note": …}, or nothing at
/// all.
Result<DeployRequest> deploy_request(const Call& call) {
    DeployRequest request;
    if (call.request().body.empty()) return request;
    FAIRLEAD_TRY(document, json::parse(call.request().body));
    api::Checks checks;
    if (!document.is_object()) {
        checks.wrong("(document)", "must be an object");
        return fail(std::move(checks.result()).error());
    }
    for (const auto& [name, value] : document.get_object()) {
        if (name == "note") {
            if (!value.is_string())
                checks.wrong("note", "must be a string");
            else
                checks.length("note", std::string_view(value.get_string()), 0, 500),
                    request.note = value.get_string();
        } else if (name == "backup_first") {
            checks.that(value.is_bool(), "backup_first", "must be true or false");
            request.backup_first = value.is_bool() && value.get_bool();
        } else if (name != "update") {
            checks.wrong(name, "is not known here");
        } else if (value.is_array()) {
            auto modules =
                json::from_value<std::vector<std::string>>(value, json::Strictness::exact);
            if (!modules) {
                checks.wrong("update", "must be auto, none, all, or a list of modules");
            } else {
                check_modules(checks, "update", *modules);
                checks.that(!modules->empty(), "update", "names no module; say none for that");
                request.update = proto::UpdateMode::modules;
                request.modules = std::move(*modules);
            }
        } else if (value == "auto") {
            request.update = proto::UpdateMode::automatic;
        } else if (value == "none") {
            request.update = proto::UpdateMode::none;
        } else if (value == "all") {
            request.update = proto::UpdateMode::all;
        } else {
            checks.wrong("update", "must be auto, none, all, or a list of modules");
        }
    }
    FAIRLEAD_CHECK(checks.result());
    return request;
}

/// 202 with the operation that `ask(Change&, id)` stores for the environment of the path.
Result<Response> accept(const Call& call, Environments& environments, auto ask) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    return api::change(call, environments.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(operation, ask(change, id));
        return operations::accepted(change.scope(), operation);
    });
}

Result<Response> deploy(const Call& call, Environments& environments) {
    FAIRLEAD_TRY(request, deploy_request(call));
    return accept(call, environments, [&](Change& change, const EnvironmentId& id) {
        return environments.deploy(change.unit(), change.scope(), change.actor(), id, request);
    });
}

Result<Response> rollback(const Call& call, Environments& environments) {
    FAIRLEAD_TRY(body, call.body<RollbackBody>());
    api::Checks checks;
    auto release = ReleaseId::parse(body.release_id);
    checks.that(release.has_value(), "release_id", "is no release's id");
    checks.length("note", body.note.value_or(""), 0, 500);
    FAIRLEAD_CHECK(checks.result());
    RollbackRequest request{*release, body.database, body.note.value_or("")};
    return accept(call, environments, [&](Change& change, const EnvironmentId& id) {
        return environments.rollback(change.unit(), change.scope(), change.actor(), id, request);
    });
}

Result<Response> preflight(const Call& call, Environments& environments) {
    return accept(call, environments, [&](Change& change, const EnvironmentId& id) {
        return environments.preflight(change.unit(), change.scope(), change.actor(), id);
    });
}

auto act(std::string_view kind) {
    return [kind](const Call& call, Environments& environments) {
        return accept(call, environments, [&](Change& change, const EnvironmentId& id) {
            return environments.act(change.unit(), change.scope(), change.actor(), id, kind);
        });
    };
}

Result<Response> list_releases(const Call& call, Environments& environments) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_TRY(page, api::Page::of(call));
    return environments.parts().store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_CHECK(EnvironmentRepo(db, call.scope()).get(id));
        FAIRLEAD_TRY(rows, ReleaseRepo(db, call.scope()).list(id, page.after, page.limit + 1));
        boost::json::array items;
        for (const auto& row : rows) items.push_back(to_json(row));
        return api::page_of(std::move(items), page);
    });
}

Result<Response> get_release(const Call& call, Environments& environments) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_TRY(release, call.path_id<ReleaseId>("release"));
    return environments.parts().store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(row, ReleaseRepo(db, call.scope()).get(id, release));
        return api::answer(to_json(row));
    });
}

} // namespace

void add_deployment_routes(api::RouteTable& table, Environments& environments) {
    api::Routes routes(table, environments, "/api/v1/orgs/{org}/environments/{environment}");
    routes.post("/preflight", "deployments.preflight", &preflight);
    routes.post("/deploy", "deployments.create", &deploy);
    routes.post("/rollback", "deployments.rollback", &rollback);
    routes.post("/start", "environments.start", act(proto::kind::start));
    routes.post("/stop", "environments.stop", act(proto::kind::stop));
    routes.post("/restart", "environments.restart", act(proto::kind::restart));
    routes.get("/releases", "environments.view", &list_releases);
    routes.get("/releases/{release}", "environments.view", &get_release);
}

} // namespace fairlead::environments
