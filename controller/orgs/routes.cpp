#include "common/json/json.hpp"
#include "controller/api/response.hpp"
#include "controller/orgs/orgs.hpp"

namespace fairlead::orgs {
namespace {

Result<api::Response> get(const api::Call& call, store::Store& store, const std::vector<Counter>& counters) {
    return store.read([&](store::Connection& db) -> Result<api::Response> {
        FAIRLEAD_TRY(org, OrgRepo(db, call.scope()).get());
        Counts counts;
        for (const auto& add : counters) FAIRLEAD_CHECK(add(db, call.scope(), counts));
        return api::answer({
            {"id", org.id.str()},
            {"name", org.name},
            {"slug", org.slug},
            {"plan", json::enum_name(org.plan)},
            {"created_at", to_rfc3339(org.created)},
            {"counts", json::to_value(counts)},
        });
    });
}

}  // namespace

void add_org_routes(api::RouteTable& table, store::Store& store, std::vector<Counter> counters) {
    table.add(api::Method::get, "/api/v1/orgs/{org}", "org.view", [&store, counters = std::move(counters)](const api::Call& call) {
        return get(call, store, counters);
    });
}

}  // namespace fairlead::orgs
