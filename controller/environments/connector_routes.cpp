#include "controller/api/change.hpp"
#include "controller/api/routes.hpp"
#include "controller/environments/connector_token.hpp"
#include "controller/environments/routes.hpp"
#include "controller/environments/view.hpp"

namespace fairlead::environments {
namespace {

using api::Call;
using api::Change;
using api::Response;

struct SetConnectorToken {
    std::string token;
};
BOOST_DESCRIBE_STRUCT(SetConnectorToken, (), (token))

Result<> tell(Change& change, const Environment& environment) {
    FAIRLEAD_TRY(news, environment_event(change.db(), change.scope(), environment));
    change.publish(std::move(news));
    return {};
}

Result<Response> set(const Call& call, Environments& environments) {
    const auto& parts = environments.parts();
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_TRY(body, call.body<SetConnectorToken>());
    Secret token(std::move(body.token));
    api::Checks checks;
    auto tunnel = tunnel_of(token.reveal());
    if (!tunnel) checks.wrong("token", tunnel.error().message());
    FAIRLEAD_CHECK(checks.result());
    ConnectorToken row{*tunnel, call.now(), call.principal().user, call.principal().email};
    store::Blob sealed{parts.keys.seal(token, connector_token_context(id))};
    return api::change(call, environments.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(environment, EnvironmentRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_CHECK(ConnectorTokenRepo(change.db(), change.scope()).put(id, row, sealed));
        boost::json::object after{{"tunnel", row.tunnel}};
        change.record("connector_token.set", "environment", environment, std::move(after));
        FAIRLEAD_CHECK(tell(change, environment));
        return api::answer(to_json(row));
    });
}

Result<Response> remove(const Call& call, Environments& environments) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    return api::change(call, environments.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(environment, EnvironmentRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_TRY(there, ConnectorTokenRepo(change.db(), change.scope()).remove(id));
        if (!there) return fail(Errc::not_found, "The environment has no connector token.");
        change.record("connector_token.delete", "environment", environment);
        FAIRLEAD_CHECK(tell(change, environment));
        return api::no_content();
    });
}

} // namespace

void add_connector_routes(api::RouteTable& table, Environments& environments) {
    api::Routes routes(
        table, environments, "/api/v1/orgs/{org}/environments/{environment}/connector-token"
    );
    routes.put("", "environments.edit", &set);
    routes.remove("", "environments.edit", &remove);
}

} // namespace fairlead::environments
