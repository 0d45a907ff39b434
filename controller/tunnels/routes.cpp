#include "controller/tunnels/routes.hpp"

#include "common/json/json.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/routes.hpp"
#include "controller/tunnels/view.hpp"

namespace fairlead::tunnels {
namespace {

using api::Call;
using api::Change;
using api::Response;
using std::chrono::seconds;

struct RotateBody {
    std::optional<std::uint64_t> grace_s;
};
BOOST_DESCRIBE_STRUCT(RotateBody, (), (grace_s))

Result<Response> list(const Call& call, TunnelKeys& keys) {
    FAIRLEAD_TRY(rows, keys.parts().store.read([&](store::Connection& db) {
        return KeyRepo(db, call.scope()).list();
    }));
    boost::json::array items;
    for (const auto& row : rows) items.push_back(to_json(row));
    return api::answer(boost::json::object{{"data", std::move(items)}});
}

Result<Response> rotate(const Call& call, TunnelKeys& keys) {
    RotateBody body;
    if (!call.request().body.empty()) {
        FAIRLEAD_TRY(given, call.body<RotateBody>());
        body = given;
    }
    auto grace = body.grace_s.value_or(seconds(default_grace).count());
    api::Checks checks;
    checks.range("grace_s", grace, 0, seconds(longest_grace).count());
    FAIRLEAD_CHECK(checks.result());
    return api::change(call, keys.desk(), [&](Change& change) -> Result<Response> {
        const auto& by = call.principal().email;
        FAIRLEAD_TRY(made, keys.rotate(change, seconds(grace), by, call.now()));
        return api::answer(to_json(made), 201);
    });
}

Result<Response> revoke(const Call& call, TunnelKeys& keys) {
    FAIRLEAD_TRY(id, call.path_id<TunnelKeyId>("tunnel_key"));
    return api::change(call, keys.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(key, KeyRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_TRY(now, keys.revoke(change, std::move(key), call.now()));
        return api::answer(to_json(now));
    });
}

} // namespace

void add_routes(api::RouteTable& table, TunnelKeys& keys) {
    api::Routes routes(table, keys, "/api/v1/orgs/{org}/tunnel-keys");
    routes.get("", "tunnel_keys.view", &list);
    routes.post("/rotate", "tunnel_keys.rotate", &rotate, {.step_up = true});
    routes.post("/{tunnel_key}/revoke", "tunnel_keys.revoke", &revoke, {.step_up = true});
}

} // namespace fairlead::tunnels
