#include "common/json/json.hpp"
#include "controller/api/query.hpp"
#include "controller/api/response.hpp"
#include "controller/orgs/orgs.hpp"

#include <fmt/core.h>

namespace fairlead::orgs {
namespace {

Result<api::Response>
get(const api::Call& call, store::Store& store, const std::vector<Counter>& counters) {
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

Result<api::Response> watch(const api::Call& call, const api::EventSink& events) {
    FAIRLEAD_TRY(seen, api::last_event_id(call));
    api::EventStream stream;
    stream.org = call.scope().org();
    stream.bonds = call.principal().bonds();
    if (const auto& held = call.principal().permissions) stream.permissions = *held;
    stream.after = events.position();
    if (seen && events.can_resume(*seen))
        stream.after = seen;
    else if (seen)
        stream.first = fmt::format("id: {}\nevent: reset\ndata: {{}}\n\n", *stream.after);
    api::Response response;
    response.content_type = "text/event-stream";
    response.events = std::move(stream);
    return response;
}

} // namespace

void add_org_routes(
    api::RouteTable& table, store::Store& store, api::EventSink& events,
    std::vector<Counter> counters
) {
    table.add(
        api::Method::get, "/api/v1/orgs/{org}", "org.view",
        [&store, counters = std::move(counters)](const api::Call& call) {
            return get(call, store, counters);
        }
    );
    table.add(
        api::Method::get, "/api/v1/orgs/{org}/events", "org.view",
        [&events](const api::Call& call) { return watch(call, events); }
    );
}

} // namespace fairlead::orgs
