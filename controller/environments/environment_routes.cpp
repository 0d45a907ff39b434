#include "common/json/json.hpp"
#include "controller/api/page.hpp"
#include "controller/environments/routes.hpp"
#include "controller/environments/view.hpp"
#include "controller/operations/routes.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::environments {
namespace {

using api::Call;
using api::Response;
using store::Connection;
using store::UnitOfWork;

struct NewBody {
    std::string project_id;
    std::string server_id;
    std::string name;
    std::optional<std::string> slug;
    proto::EnvironmentType type = proto::EnvironmentType::development;
    std::optional<std::string> branch;
    std::optional<std::int64_t> port;
    std::optional<std::vector<std::string>> modules;
    std::optional<boost::json::object> resources;
    std::optional<std::vector<std::string>> requirements;
    std::optional<bool> system_site_packages;
    std::optional<std::int64_t> keep_releases;
    std::optional<std::vector<std::string>> domains;
};
BOOST_DESCRIBE_STRUCT(
    NewBody, (),
    (project_id, server_id, name, slug, type, branch, port, modules, resources, requirements,
     system_site_packages, keep_releases, domains)
)

struct EditBody {
    std::optional<std::string> name;
    std::optional<std::string> branch;
    std::optional<std::int64_t> port;
    std::optional<std::vector<std::string>> modules;
    std::optional<boost::json::object> resources;
    std::optional<std::vector<std::string>> requirements;
    std::optional<bool> system_site_packages;
    std::optional<std::int64_t> keep_releases;
    std::optional<std::vector<std::string>> domains;
};
BOOST_DESCRIBE_STRUCT(
    EditBody, (),
    (name, branch, port, modules, resources, requirements, system_site_packages, keep_releases,
     domains)
)

struct RollbackBody {
    std::string release_id;
    proto::DatabaseChoice database = proto::DatabaseChoice::keep;
    std::optional<std::string> note;
};
BOOST_DESCRIBE_STRUCT(RollbackBody, (), (release_id, database, note))

/// Members that are there take effect, null means no limit, others stay.
void read_resources(api::Checks& checks, const boost::json::object& from, Environment& into) {
    auto limit = [&](std::string_view name, std::optional<std::int64_t>& to, std::int64_t least,
                     std::int64_t most) {
        const auto* value = from.if_contains(name);
        if (!value) return;
        if (value->is_null()) return to.reset();
        auto field = "resources." + std::string(name);
        if (!value->is_int64() || value->get_int64() < least || value->get_int64() > most)
            return checks.wrong(
                field, fmt::format(
                           "must be a whole number from {} to {}, or null for no limit", least, most
                       )
            );
        to = value->get_int64();
    };
    limit("memory_max_bytes", into.memory_max_bytes, 268435456, 4398046511104);
    limit("cpu_percent", into.cpu_percent, 10, 25600);
    limit("tasks_max", into.tasks_max, 32, 65536);
    if (const auto* workers = from.if_contains("workers")) {
        if (workers->is_int64() && workers->get_int64() >= 0 && workers->get_int64() <= 64)
            into.workers = workers->get_int64();
        else
            checks.wrong("resources.workers", "must be a whole number from 0 to 64");
    }
    for (const auto& [name, value] : from)
        if (name != "memory_max_bytes" && name != "cpu_percent" && name != "tasks_max" &&
            name != "workers")
            checks.wrong("resources." + std::string(name), "is not known here");
}

/// What NewBody and EditBody share.
template <class Body>
void read_common(api::Checks& checks, const Body& body, Environment& into) {
    if (body.branch) {
        check_branch(checks, "branch", *body.branch);
        into.branch = *body.branch;
    }
    if (body.port) {
        checks.that(
            *body.port >= 1024 && *body.port <= 65534, "port", "must be from 1024 to 65534"
        );
        into.port = static_cast<std::uint16_t>(std::clamp<std::int64_t>(*body.port, 0, 65535));
    }
    if (body.modules) {
        check_modules(checks, "modules", *body.modules);
        into.modules = json::encode(*body.modules);
    }
    if (body.resources) read_resources(checks, *body.resources, into);
    if (body.requirements) {
        check_requirements(checks, "requirements", *body.requirements);
        into.requirements = json::encode(*body.requirements);
    }
    if (body.system_site_packages) into.system_site_packages = *body.system_site_packages;
    if (body.keep_releases) {
        checks.that(
            *body.keep_releases >= 1 && *body.keep_releases <= 50, "keep_releases",
            "must be from 1 to 50"
        );
        into.keep_releases =
            static_cast<std::uint32_t>(std::clamp<std::int64_t>(*body.keep_releases, 1, 50));
    }
    if (body.domains) {
        check_domains(checks, "domains", *body.domains);
        into.domains = json::encode(*body.domains);
    }
}

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
    FAIRLEAD_TRY(body, call.body<NewBody>());
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
    FAIRLEAD_TRY(body, call.body<EditBody>());
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

/// {"update": "auto" | "none" | "all" | [modules], "note": …}, or nothing at all.
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

Result<Response> deploy(const Call& call, Environments& environments) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_TRY(request, deploy_request(call));
    return environments.parts().store.write([&](UnitOfWork& unit) -> Result<Response> {
        FAIRLEAD_TRY(operation, environments.deploy(unit, call.scope(), call.actor(), id, request));
        return operations::accepted(call.scope(), operation);
    });
}

Result<Response> rollback(const Call& call, Environments& environments) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_TRY(body, call.body<RollbackBody>());
    api::Checks checks;
    auto release = ReleaseId::parse(body.release_id);
    checks.that(release.has_value(), "release_id", "is no release's id");
    checks.length("note", body.note.value_or(""), 0, 500);
    FAIRLEAD_CHECK(checks.result());
    RollbackRequest request{*release, body.database, body.note.value_or("")};
    return environments.parts().store.write([&](UnitOfWork& unit) -> Result<Response> {
        FAIRLEAD_TRY(
            operation, environments.rollback(unit, call.scope(), call.actor(), id, request)
        );
        return operations::accepted(call.scope(), operation);
    });
}

Result<Response> preflight(const Call& call, Environments& environments) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    return environments.parts().store.write([&](UnitOfWork& unit) -> Result<Response> {
        FAIRLEAD_TRY(operation, environments.preflight(unit, call.scope(), call.actor(), id));
        return operations::accepted(call.scope(), operation);
    });
}

api::Handler act(Environments& environments, std::string_view kind) {
    return [&environments, kind](const Call& call) -> Result<Response> {
        FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
        return environments.parts().store.write([&](UnitOfWork& unit) -> Result<Response> {
            FAIRLEAD_TRY(operation, environments.act(unit, call.scope(), call.actor(), id, kind));
            return operations::accepted(call.scope(), operation);
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
    table.add(Method::post, one + "/preflight", "deployments.preflight", with(&preflight));
    table.add(Method::post, one + "/deploy", "deployments.create", with(&deploy));
    table.add(Method::post, one + "/rollback", "deployments.rollback", with(&rollback));
    table.add(
        Method::post, one + "/start", "environments.start", act(environments, proto::kind::start)
    );
    table.add(
        Method::post, one + "/stop", "environments.stop", act(environments, proto::kind::stop)
    );
    table.add(
        Method::post, one + "/restart", "environments.restart",
        act(environments, proto::kind::restart)
    );
    table.add(Method::get, one + "/releases", "environments.view", with(&list_releases));
    table.add(Method::get, one + "/releases/{release}", "environments.view", with(&get_release));
}

} // namespace fairlead::environments
