// What the organization's plan holds, and how much of it is used.
#include "common/json/json.hpp"
#include "controller/api/change.hpp"
#include "controller/api/response.hpp"
#include "controller/api/routes.hpp"
#include "controller/orgs/orgs.hpp"

namespace fairlead::orgs {
namespace {

using api::Call;

constexpr std::array all_plans{Plan::free, Plan::starter, Plan::pro, Plan::agency};

struct ChoosePlan {
    Plan plan = Plan::free;
};
BOOST_DESCRIBE_STRUCT(ChoosePlan, (), (plan))

boost::json::object to_json(Plan plan, const PlanTerms& terms) {
    return {
        {"plan", json::enum_name(plan)},
        {"limits",
         {{"projects", json::to_value(terms.projects)},
          {"environments", json::to_value(terms.environments)},
          {"members", json::to_value(terms.members)},
          {"servers", json::to_value(terms.servers)}}},
        {"features", json::to_value(terms.features)},
        {"audit_days", terms.audit_days}};
}

Result<api::Response> shown(store::Connection& db, const Call& call, const RouteParts& parts) {
    OrgRepo repo(db, call.scope());
    FAIRLEAD_TRY(org, repo.get());
    FAIRLEAD_TRY(seats, repo.seats(call.now()));
    Counts counts;
    for (const auto& add : parts.counters) FAIRLEAD_CHECK(add(db, call.scope(), counts));
    boost::json::array plans;
    for (auto plan : all_plans) plans.push_back(to_json(plan, parts.plans.terms(plan)));
    return api::answer({
        {"plan", json::enum_name(org.plan)},
        {"use",
         {{"projects", counts.projects},
          {"environments", counts.environments},
          {"members", seats},
          {"servers", counts.servers}}},
        {"plans", std::move(plans)},
    });
}

Result<api::Response> get(const Call& call, const RouteParts& parts) {
    return parts.store.read([&](store::Connection& db) { return shown(db, call, parts); });
}

/// Whatever is beyond a lower plan stays and works; no more of it can be made.
Result<api::Response> choose(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(wanted, call.body<ChoosePlan>());
    return api::change(call, parts.desk(), [&](api::Change& change) -> Result<api::Response> {
        OrgRepo repo(change.db(), change.scope());
        FAIRLEAD_TRY(org, repo.get());
        if (org.plan == wanted.plan) {
            change.nothing_changed();
            return shown(change.db(), call, parts);
        }
        FAIRLEAD_CHECK(repo.set_plan(wanted.plan));
        change.record(
            "plan.change", "org", org, boost::json::object{{"plan", json::enum_name(wanted.plan)}},
            boost::json::object{{"plan", json::enum_name(org.plan)}}
        );
        // What somebody may do depends on it: open streams are opened anew.
        FAIRLEAD_CHECK(end_streams_of_all(change.unit(), change.scope(), parts.events));
        return shown(change.db(), call, parts);
    });
}

} // namespace

void add_plan_routes(api::RouteTable& table, const RouteParts& parts) {
    api::Routes routes(table, parts, "/api/v1/orgs/{org}/plan");
    routes.get("", "plan.view", &get);
    routes.put("", api::owners_alone, &choose, {.step_up = true});
}

} // namespace fairlead::orgs
