#include "common/json/json.hpp"
#include "controller/api/page.hpp"
#include "controller/environments/environment_body.hpp"
#include "controller/environments/routes.hpp"
#include "controller/environments/view.hpp"
#include "controller/operations/routes.hpp"

#include <fmt/core.h>

namespace fairlead::environments {
namespace {

using api::Call;
using api::Response;
using store::Connection;
using store::UnitOfWork;

Result<Response>
shown(Connection& db, const Call& call, const Environment& environment, int status = 200) {
    FAIRLEAD_TRY(body, describe(db, call.scope(), environment));
    return api::answer(body, status);
}

Result<Response> list(const Call& call, Environments& environments) {
    FAIRLEAD_TRY(page, api::Page::of(call));
    FAIRLEAD_TRY(project, operations::query_id<ProjectId>(call, "project"));
    FAIRLEAD_TRY(server, operations::query_id<ServerId>(call, "server"));
    std::string status(call.query("status").value_or(""));
    if (!status.empty() && !is_status(status))
        return fail(
            Error(Errc::invalid, fmt::format("status is \"{}\", which is not known.", status))
                .with_fields(
                    {{"status",
                      "must be new, deploying, running, stopped, failed, unknown or deleting"}}
                )
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
    read_common(checks, body, wanted.row);
    FAIRLEAD_CHECK(checks.result());
    return environments.parts().store.write([&](UnitOfWork& unit) -> Result<Response> {
        FAIRLEAD_TRY(row, environments.create(unit, call.scope(), call.actor(), std::move(wanted)));
        return shown(unit.db(), call, row, 201);
    });
}

Result<Response> edit(const Call& call, Environments& environments) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_TRY(body, call.body<EditEnvironmentBody>());
    // null is a value here: the project's own branch. Only the text tells it from an absent member.
    FAIRLEAD_TRY(document, json::parse(call.request().body));
    const auto* branch = document.get_object().if_contains("branch");
    return environments.parts().store.write([&](UnitOfWork& unit) -> Result<Response> {
        FAIRLEAD_TRY(before, EnvironmentRepo(unit.db(), call.scope()).get(id));
        auto changed = before;
        api::Checks checks;
        checks.that(!document.get_object().empty(), "(document)", "must change something");
        if (body.name) {
            check_name(checks, "name", *body.name);
            changed.name = *body.name;
        }
        if (branch && branch->is_null()) changed.branch.reset();
        read_common(checks, body, changed);
        FAIRLEAD_CHECK(checks.result());
        FAIRLEAD_TRY(
            row, environments.edit(unit, call.scope(), call.actor(), before, std::move(changed))
        );
        return shown(unit.db(), call, row);
    });
}

Result<Response> remove(const Call& call, Environments& environments) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    auto drop = call.query("drop_data").value_or("false");
    if (drop != "true" && drop != "false")
        return fail(Error(
                        Errc::invalid,
                        fmt::format("drop_data is \"{}\"; it must be true or false.", drop)
        )
                        .with_fields({{"drop_data", "must be true or false"}}));
    return environments.parts().store.write([&](UnitOfWork& unit) -> Result<Response> {
        FAIRLEAD_TRY(row, EnvironmentRepo(unit.db(), call.scope()).get(id));
        FAIRLEAD_CHECK(call.confirmed(row.name));
        FAIRLEAD_TRY(
            operation, environments.remove(unit, call.scope(), call.actor(), row, drop == "true")
        );
        return operation ? operations::accepted(call.scope(), *operation) : api::no_content();
    });
}

} // namespace

void add_environment_routes(api::RouteTable& table, Environments& environments) {
    using api::Method;
    auto with = [&environments](auto handler) {
        return [&environments, handler](const Call& call) { return handler(call, environments); };
    };
    std::string all = "/api/v1/orgs/{org}/environments", one = all + "/{environment}";
    table.add(Method::get, all, "environments.view", with(&list));
    table.add(Method::post, all, "environments.create", with(&create));
    table.add(Method::get, one, "environments.view", with(&get));
    table.add(Method::patch, one, "environments.edit", with(&edit));
    table.add(Method::remove, one, "environments.delete", with(&remove));
}

} // namespace fairlead::environments
