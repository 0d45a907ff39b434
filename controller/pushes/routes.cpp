#include "controller/pushes/routes.hpp"

#include "common/json/json.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/routes.hpp"
#include "controller/environments/refusals.hpp"

namespace fairlead::pushes {
namespace {

using api::Call;
using api::Change;
using api::Response;
using environments::Environment;
using environments::EnvironmentRepo;
using store::Connection;

constexpr std::size_t most_repositories = 51; // Odoo, and what a project may have beside it

struct RotateBody {
    std::optional<std::int64_t> keep_old_s;
};
BOOST_DESCRIBE_STRUCT(RotateBody, (), (keep_old_s))

/// null for `repositories` means all of them, which is something else than its absence.
Result<Wanted> wanted_of(const Call& call) {
    Wanted wanted;
    FAIRLEAD_TRY(document, json::parse(call.request().body));
    api::Checks checks;
    const auto* object = document.if_object();
    if (!object) {
        checks.wrong("(document)", "must be an object");
        return fail(std::move(checks.result()).error());
    }
    auto flag = [&](std::string_view name, const boost::json::value& value) {
        checks.that(value.is_bool(), name, "must be true or false");
        return value.is_bool() && value.get_bool();
    };
    for (const auto& [name, value] : *object) {
        if (name == "enabled") {
            wanted.enabled = flag(name, value);
        } else if (name == "backup_first") {
            wanted.backup_first = flag(name, value);
        } else if (name != "repositories") {
            checks.wrong(name, "is not known here");
        } else {
            wanted.choose = true;
            if (value.is_null()) continue;
            auto names = json::from_value<std::vector<std::string>>(value, json::Strictness::exact);
            bool fine = names && !names->empty() && names->size() <= most_repositories;
            checks.that(
                fine, name,
                "must be 1 to 51 names of repositories, or null for all; to let none count, switch "
                "it off"
            );
            if (fine) wanted.repositories = std::move(*names);
        }
    }
    FAIRLEAD_CHECK(checks.result());
    return wanted;
}

/// Runs `act(Change&, Environment&)` for the environment of the path. `hands_on`: it lets others
/// deploy, which is for who may.
Result<Response> with_environment(const Call& call, Pushes& pushes, bool hands_on, auto act) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    return api::change(call, pushes.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(environment, EnvironmentRepo(change.db(), change.scope()).get(id));
        constexpr std::string_view permission = "deployments.create";
        if (hands_on && !call.principal().may(permission))
            return environments::not_held(permission, "To let pushes deploy");
        return act(change, environment);
    });
}

Result<Response> show(
    Pushes& pushes, Change& change, const Environment& environment, const Secret* secret, int status
) {
    FAIRLEAD_TRY(shown, pushes.describe(change.db(), change.scope(), environment));
    if (!secret) return api::answer(shown, status);
    return api::answer(
        boost::json::object{{"push_deploy", std::move(shown)}, {"secret", secret->reveal()}}, status
    );
}

Result<Response> get(const Call& call, Pushes& pushes) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    return pushes.parts().store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(environment, EnvironmentRepo(db, call.scope()).get(id));
        FAIRLEAD_TRY(shown, pushes.describe(db, call.scope(), environment));
        return api::answer(shown);
    });
}

Result<Response> create(const Call& call, Pushes& pushes) {
    Wanted wanted;
    if (!call.request().body.empty()) {
        FAIRLEAD_TRY(given, wanted_of(call));
        wanted = std::move(given);
    }
    auto act = [&](Change& change, const Environment& environment) -> Result<Response> {
        FAIRLEAD_TRY(made, pushes.create(change, environment, wanted, call.principal()));
        return show(pushes, change, environment, &made.second, 201);
    };
    return with_environment(call, pushes, true, act);
}

Result<Response> edit(const Call& call, Pushes& pushes) {
    FAIRLEAD_TRY(wanted, wanted_of(call));
    auto act = [&](Change& change, const Environment& environment) -> Result<Response> {
        FAIRLEAD_CHECK(pushes.edit(change, environment, wanted));
        return show(pushes, change, environment, nullptr, 200);
    };
    return with_environment(call, pushes, true, act);
}

Result<Response> rotate(const Call& call, Pushes& pushes) {
    RotateBody body;
    if (!call.request().body.empty()) {
        FAIRLEAD_TRY(given, call.body<RotateBody>());
        body = given;
    }
    api::Checks checks;
    auto overlap = std::chrono::seconds(body.keep_old_s.value_or(3600));
    checks.that(
        overlap.count() >= 0 && overlap <= longest_overlap, "keep_old_s", "must be from 0 to 86400"
    );
    FAIRLEAD_CHECK(checks.result());
    auto act = [&](Change& change, const Environment& environment) -> Result<Response> {
        FAIRLEAD_TRY(made, pushes.rotate(change, environment, overlap));
        return show(pushes, change, environment, &made.second, 200);
    };
    return with_environment(call, pushes, false, act);
}

Result<Response> remove(const Call& call, Pushes& pushes) {
    auto act = [&](Change& change, const Environment& environment) -> Result<Response> {
        FAIRLEAD_CHECK(pushes.remove(change, environment));
        return api::no_content();
    };
    return with_environment(call, pushes, false, act);
}

Result<Response> list(const Call& call, Pushes& pushes) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_TRY(page, api::Page::of(call));
    return pushes.parts().store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_CHECK(EnvironmentRepo(db, call.scope()).get(id));
        FAIRLEAD_TRY(rows, PushRepo(db, call.scope()).list(id, page.after, page.limit + 1));
        boost::json::array items;
        for (const auto& row : rows) items.push_back(to_json(row));
        return api::page_of(std::move(items), page);
    });
}

Result<Response> receive(const Call& call, Pushes& pushes) {
    FAIRLEAD_TRY(received, pushes.receive(call.request(), call.path("hook")));
    if (received.seen_before)
        return api::answer(
            {{"outcome", "seen_before"}, {"detail", "This delivery came before: nothing was done."}}
        );
    const auto& push = received.push;
    boost::json::object body{{"outcome", json::enum_name(push.outcome)}, {"detail", push.detail}};
    if (!push.reason.empty()) body["reason"] = push.reason;
    if (push.operation_id) body["operation_id"] = push.operation_id->str();
    return api::answer(body, 202);
}

} // namespace

void add_routes(api::RouteTable& table, Pushes& pushes) {
    api::Routes routes(table, pushes, "/api/v1/orgs/{org}/environments/{environment}");
    routes.get("/push-deploy", "environments.view", &get);
    routes.post("/push-deploy", "deployments.push", &create);
    routes.patch("/push-deploy", "deployments.push", &edit);
    routes.remove("/push-deploy", "deployments.push", &remove);
    routes.post("/push-deploy/rotate", "deployments.push", &rotate);
    routes.get("/pushes", "environments.view", &list);
    api::Routes(table, pushes, "/api/v1/hooks/push").post("/{hook}", api::open_to_all, &receive);
}

} // namespace fairlead::pushes
