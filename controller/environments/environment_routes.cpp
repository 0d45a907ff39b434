#include "common/json/json.hpp"
#include "controller/api/change.hpp"
#include "controller/api/query.hpp"
#include "controller/api/routes.hpp"
#include "controller/environments/environment_body.hpp"
#include "controller/environments/routes.hpp"
#include "controller/environments/view.hpp"
#include "controller/operations/routes.hpp"

namespace fairlead::environments {
namespace {

using api::Call;
using api::Change;
using api::Response;
using store::Connection;

Result<Response>
shown(Connection& db, const Call& call, const Environment& environment, int status = 200) {
    FAIRLEAD_TRY(body, describe(db, call.scope(), environment));
    return api::answer(body, status);
}

Result<Response> list(const Call& call, Environments& environments) {
    FAIRLEAD_TRY(page, api::Page::of(call));
    FAIRLEAD_TRY(project, api::query_id<ProjectId>(call, "project"));
    FAIRLEAD_TRY(server, api::query_id<ServerId>(call, "server"));
    std::string status(call.query("status").value_or(""));
    if (!status.empty() && !is_status(status))
        return api::bad_query(
            "status", status,
            "must be new, deploying, running, stopped, failed, unknown or deleting"
        );
    EnvironmentFilter filter{project, server, status, page.after, page.limit + 1};
    return environments.parts().store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(rows, EnvironmentRepo(db, call.scope()).list(filter));
        boost::json::array items;
        for (const auto& row : rows) {
            FAIRLEAD_TRY(body, describe(db, call.scope(), row));
            items.push_back(std::move(body));
        }
        return api::page_of(std::move(items), page);
    });
}

Result<Response> get(const Call& call, Environments& environments) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    return environments.parts().store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(row, EnvironmentRepo(db, call.scope()).get(id));
        return shown(db, call, row);
    });
}

Result<Response> create(const Call& call, Environments& environments) {
    FAIRLEAD_TRY(body, call.body<NewEnvironmentBody>());
    api::Checks checks;
    NewEnvironment wanted;
    auto project = ProjectId::parse(body.project_id);
    auto server = ServerId::parse(body.server_id);
    checks.that(project.has_value(), "project_id", "is no project's id");
    checks.that(server.has_value(), "server_id", "is no server's id");
    if (project) wanted.row.project_id = *project;
    if (server) wanted.row.server_id = *server;
    check_name(checks, "name", body.name);
    wanted.row.name = body.name;
    wanted.row.type = body.type;
    if (body.slug) check_slug(checks, "slug", *body.slug, 24);
    wanted.row.slug = body.slug.value_or("");
    wanted.slug_chosen = body.slug.has_value();
    wanted.port_chosen = body.port.has_value();
    read_wishes(checks, body, wanted.row);
    FAIRLEAD_CHECK(checks.result());
    return api::change(call, environments.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(
            row,
            environments.create(change.unit(), change.scope(), change.actor(), std::move(wanted))
        );
        return shown(change.db(), call, row, 201);
    });
}

Result<Response> edit(const Call& call, Environments& environments) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_TRY(body, call.body<EditEnvironmentBody>());
    // null is a value here: the project's own branch. Only the text tells it from an absent member.
    FAIRLEAD_TRY(document, json::parse(call.request().body));
    const auto* branch = document.get_object().if_contains("branch");
    return api::change(call, environments.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(before, EnvironmentRepo(change.db(), change.scope()).get(id));
        auto changed = before;
        api::Checks checks;
        checks.that(!document.get_object().empty(), "(document)", "must change something");
        if (body.name) {
            check_name(checks, "name", *body.name);
            changed.name = *body.name;
        }
        if (branch && branch->is_null()) changed.branch.reset();
        read_wishes(checks, body, changed);
        FAIRLEAD_CHECK(checks.result());
        FAIRLEAD_TRY(
            row, environments.edit(
                     change.unit(), change.scope(), change.actor(), before, std::move(changed)
                 )
        );
        return shown(change.db(), call, row);
    });
}

Result<Response> remove(const Call& call, Environments& environments) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_TRY(drop, api::query_word(call, "drop_data", {"false", "true"}));
    FAIRLEAD_TRY(skip, api::query_word(call, "skip_backup", {"false", "true"}));
    Removal removal{drop == "true", skip == "true"};
    return api::change(call, environments.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(row, EnvironmentRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_CHECK(call.confirmed(row.name));
        FAIRLEAD_TRY(
            operation,
            environments.remove(change.unit(), change.scope(), change.actor(), row, removal)
        );
        return operation ? operations::accepted(call.scope(), *operation) : api::no_content();
    });
}

} // namespace

void add_environment_routes(api::RouteTable& table, Environments& environments) {
    api::Routes routes(table, environments, "/api/v1/orgs/{org}/environments");
    routes.get("", "environments.view", &list);
    routes.post("", "environments.create", &create);
    routes.get("/{environment}", "environments.view", &get);
    routes.patch("/{environment}", "environments.edit", &edit);
    routes.remove("/{environment}", "environments.delete", &remove);
}

} // namespace fairlead::environments
