#include "common/json/json.hpp"
#include "controller/api/change.hpp"
#include "controller/api/page.hpp"
#include "controller/api/routes.hpp"
#include "controller/environments/routes.hpp"
#include "controller/environments/view.hpp"
#include "controller/fleet/server_repo.hpp"

#include <boost/json.hpp>

namespace fairlead::environments {
namespace {

using api::Call;
using api::Change;
using api::Response;
using boost::json::value;

struct AdoptBody {
    std::string project_id;
};
BOOST_DESCRIBE_STRUCT(AdoptBody, (), (project_id))

/// The project that the server names, as far as it is known here.
Result<value>
project_of(store::Connection& db, const api::OrgScope& scope, const proto::EnvironmentSpec& spec) {
    if (spec.project_id.empty()) return value(nullptr);
    bool known = false;
    if (auto id = ProjectId::parse(spec.project_id)) {
        auto project = ProjectRepo(db, scope).get(*id);
        if (!project && project.error().kind() != Errc::not_found)
            return fail(std::move(project).error());
        known = project.has_value();
    }
    return value{
        {"id", spec.project_id},
        {"name", operations::cut(spec.project_name, 200)},
        {"known", known}};
}

Result<boost::json::object>
describe(store::Connection& db, const api::OrgScope& scope, const Found& found) {
    auto state = json::decode<proto::EnvironmentState>(found.details, json::Strictness::lenient)
                     .value_or(proto::EnvironmentState());
    boost::json::object body{
        {"id", found.environment},
        {"slug", found.slug},
        {"port", found.port},
        {"state", operations::cut(state.state, 32)},
        {"releases", state.releases.size()},
        {"name", nullptr},
        {"type", nullptr},
        {"odoo_version", nullptr},
        {"exposure", nullptr},
        {"project", nullptr},
        {"adoptable", state.spec.has_value()}};
    if (!state.spec) return body;
    const auto& spec = *state.spec;
    body["name"] = operations::cut(spec.name, 200);
    body["type"] = json::enum_name(spec.type);
    body["exposure"] = json::enum_name(spec.exposure);
    body["odoo_version"] = operations::cut(spec.odoo_version, 32);
    FAIRLEAD_TRY(project, project_of(db, scope, spec));
    body["project"] = std::move(project);
    return body;
}

Result<Response> list(const Call& call, Environments& environments) {
    FAIRLEAD_TRY(server, call.path_id<ServerId>("server"));
    FAIRLEAD_TRY(page, api::Page::of(call));
    return environments.parts().store.read([&](store::Connection& db) -> Result<Response> {
        FAIRLEAD_CHECK(fleet::ServerRepo(db, call.scope()).get(server));
        FAIRLEAD_TRY(
            rows, EnvironmentRepo(db, call.scope()).list_found(server, page.after, page.limit + 1)
        );
        boost::json::array items;
        for (const auto& row : rows) {
            FAIRLEAD_TRY(body, describe(db, call.scope(), row));
            items.push_back(std::move(body));
        }
        return api::page_of(std::move(items), page);
    });
}

Result<Response> adopt(const Call& call, Environments& environments) {
    FAIRLEAD_TRY(server, call.path_id<ServerId>("server"));
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_TRY(body, call.body<AdoptBody>());
    api::Checks checks;
    auto project = ProjectId::parse(body.project_id);
    checks.that(project.has_value(), "project_id", "is no project's id");
    FAIRLEAD_CHECK(checks.result());
    return api::change(call, environments.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(
            row,
            environments.adopt(change.unit(), change.scope(), change.actor(), server, id, *project)
        );
        FAIRLEAD_TRY(shown, environments::describe(change.db(), call.scope(), row));
        return api::answer(shown, 201);
    });
}

} // namespace

void add_found_routes(api::RouteTable& table, Environments& environments) {
    api::Routes routes(
        table, environments, "/api/v1/orgs/{org}/servers/{server}/found-environments"
    );
    routes.get("", "environments.view", &list);
    routes.post("/{environment}/adopt", "servers.adopt", &adopt);
}

} // namespace fairlead::environments
