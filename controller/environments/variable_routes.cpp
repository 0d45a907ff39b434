#include "common/json/json.hpp"
#include "controller/api/change.hpp"
#include "controller/api/routes.hpp"
#include "controller/environments/routes.hpp"
#include "controller/environments/variable_repo.hpp"
#include "controller/environments/view.hpp"

#include <fmt/core.h>

namespace fairlead::environments {
namespace {

using api::Call;
using api::Change;
using api::Response;
using store::Connection;

struct SetVariable {
    std::string value;
    std::optional<bool> secret;
};
BOOST_DESCRIBE_STRUCT(SetVariable, (), (value, secret))

/// The name of the path; Errc::invalid when it is none that may be set.
Result<std::string> name_of(const Call& call) {
    api::Checks checks;
    check_variable_name(checks, "name", call.path("name"));
    FAIRLEAD_CHECK(checks.result());
    return std::string(call.path("name"));
}

Result<> tell(Change& change, const Environment& environment) {
    FAIRLEAD_TRY(news, environment_event(change.db(), change.scope(), environment));
    change.publish(std::move(news));
    return {};
}

Result<Response> list(const Call& call, Environments& environments) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    // Variables have no ids: the cursor is the last name.
    std::string after(call.query("cursor").value_or(""));
    api::Checks checks;
    if (!after.empty()) check_variable_name(checks, "cursor", after);
    if (!checks.result())
        return fail(Error(
                        Errc::invalid,
                        "The cursor is not one that a list gave out. Start again without it."
        )
                        .with_code("bad_cursor"));
    FAIRLEAD_TRY(limit, api::Page::limit_of(call));
    return environments.parts().store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_CHECK(EnvironmentRepo(db, call.scope()).get(id));
        FAIRLEAD_TRY(rows, VariableRepo(db, call.scope()).list(id, after, limit + 1));
        boost::json::value next = nullptr;
        if (static_cast<std::int64_t>(rows.size()) > limit) {
            rows.pop_back();
            next = rows.back().name;
        }
        boost::json::array items;
        for (const auto& row : rows) items.push_back(to_json(row));
        return api::answer(boost::json::object{
            {"data", std::move(items)}, {"next_cursor", std::move(next)}});
    });
}

Result<Response> set(const Call& call, Environments& environments) {
    const auto& parts = environments.parts();
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_TRY(name, name_of(call));
    FAIRLEAD_TRY(wanted, call.body<SetVariable>());
    api::Checks checks;
    checks.length("value", wanted.value, 0, 8192);
    FAIRLEAD_CHECK(checks.result());

    Variable row;
    row.name = name;
    row.secret = wanted.secret.value_or(false);
    row.updated_ms = call.now();
    row.updated_by = call.principal().user;
    row.updated_by_email = call.principal().email;
    auto size = static_cast<std::int64_t>(wanted.value.size() + name.size());
    std::optional<store::Blob> sealed;
    if (row.secret)
        sealed = store::Blob{
            parts.keys.seal(Secret(std::move(wanted.value)), variable_context(id, name))};
    else
        row.value = std::move(wanted.value);
    return api::change(call, environments.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(environment, EnvironmentRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_CHECK(VariableRepo(change.db(), change.scope()).put(id, row, sealed, size));
        boost::json::object after{{"variable", name}, {"secret", row.secret}};
        change.record("variable.set", "environment", environment, std::move(after));
        FAIRLEAD_CHECK(tell(change, environment));
        return api::answer(to_json(row));
    });
}

Result<Response> remove(const Call& call, Environments& environments) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    std::string name(call.path("name"));
    return api::change(call, environments.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(environment, EnvironmentRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_TRY(there, VariableRepo(change.db(), change.scope()).remove(id, name));
        if (!there) return fail(Errc::not_found, "There is no such variable.");
        boost::json::object after{{"variable", name}};
        change.record("variable.delete", "environment", environment, std::move(after));
        FAIRLEAD_CHECK(tell(change, environment));
        return api::no_content();
    });
}

} // namespace

void add_variable_routes(api::RouteTable& table, Environments& environments) {
    api::Routes routes(
        table, environments, "/api/v1/orgs/{org}/environments/{environment}/variables"
    );
    routes.get("", "variables.view", &list);
    routes.put("/{name}", "variables.edit", &set);
    routes.remove("/{name}", "variables.delete", &remove);
}

} // namespace fairlead::environments
