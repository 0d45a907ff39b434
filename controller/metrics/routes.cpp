#include "controller/metrics/routes.hpp"

#include "controller/api/query.hpp"
#include "controller/api/routes.hpp"
#include "controller/environments/environment_repo.hpp"
#include "controller/fleet/server_repo.hpp"
#include "controller/metrics/exposition.hpp"
#include "controller/metrics/sample_repo.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <cmath>

namespace fairlead::metrics {
namespace {

using api::Call;
using api::Response;
using boost::json::array;
using boost::json::object;
using boost::json::value;

struct Asked {
    std::string_view resolution;
    Timestamp from, to;

    const Resolution& kept() const { return resolution == "30s" ? fine : coarse; }
};

Result<Asked> asked(const Call& call) {
    Asked what{};
    FAIRLEAD_TRY(resolution, api::query_word(call, "resolution", {"30s", "10m"}));
    FAIRLEAD_TRY(to, api::query_time(call, "to"));
    FAIRLEAD_TRY(from, api::query_time(call, "from"));
    what.resolution = resolution;
    what.to = to.value_or(call.now());
    what.from = from.value_or(what.to - std::chrono::hours(1));
    if (what.from > what.to)
        return fail(Error(Errc::invalid, "from is after to.")
                        .with_fields({{"from", "must not be after to"}}));
    // Nothing older is kept, and no number overflows.
    what.from = std::max(what.from, call.now() - what.kept().kept);
    what.to = std::min(what.to, call.now() + std::chrono::hours(24));
    return what;
}

/// Whole numbers stay such, others get as many places as their unit has: half the bytes.
value number(double of, double unit) {
    if (!known(of)) return nullptr;
    if (unit >= 1) return std::llround(of);
    return std::round(of / unit) / std::round(1 / unit);
}

Result<Response> points_of(
    store::Connection& db, const api::OrgScope& scope, const std::string& subject, const Asked& what
) {
    const auto& resolution = what.kept();
    FAIRLEAD_TRY(points, SampleRepo(db, scope).range(subject, resolution, what.from, what.to));
    array times;
    times.reserve(points.size());
    for (const auto& point : points) times.push_back(to_ms(resolution.time_of(point.slot)) / 1000);
    object lines;
    auto all = series_of(subject);
    for (std::size_t i = 0; i < all.size(); ++i) {
        array line;
        line.reserve(points.size());
        bool any = false;
        for (const auto& point : points) {
            any = any || known(point.values[i]);
            line.push_back(number(point.values[i], all[i].unit));
        }
        if (any) lines.emplace(all[i].name, std::move(line));
    }
    return api::answer(object{
        {"resolution", what.resolution},
        {"from", to_rfc3339(what.from)},
        {"to", to_rfc3339(what.to)},
        {"times", std::move(times)},
        {"series", std::move(lines)}});
}

Result<Response> of_server(const Call& call, RouteParts& parts) {
    FAIRLEAD_TRY(id, call.path_id<ServerId>("server"));
    FAIRLEAD_TRY(what, asked(call));
    return parts.store.read([&](store::Connection& db) -> Result<Response> {
        FAIRLEAD_CHECK(fleet::ServerRepo(db, call.scope()).get(id));
        return points_of(db, call.scope(), id.str(), what);
    });
}

Result<Response> of_environment(const Call& call, RouteParts& parts) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_TRY(what, asked(call));
    return parts.store.read([&](store::Connection& db) -> Result<Response> {
        FAIRLEAD_CHECK(environments::EnvironmentRepo(db, call.scope()).get(id));
        return points_of(db, call.scope(), id.str(), what);
    });
}

Result<Response> of_all(const Call& call, RouteParts& parts) {
    return parts.store.read([&](store::Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(text, exposition(db, call.scope(), parts.recorder.newest(), call.now()));
        Response response;
        response.content_type = "text/plain; version=0.0.4; charset=utf-8";
        response.body = std::move(text);
        return response;
    });
}

} // namespace

void add_routes(api::RouteTable& table, RouteParts& parts) {
    api::Routes routes(table, parts, "/api/v1/orgs/{org}");
    routes.get("/metrics", "metrics.view", &of_all);
    routes.get("/servers/{server}/metrics", "servers.view", &of_server);
    routes.get("/environments/{environment}/metrics", "environments.view", &of_environment);
}

} // namespace fairlead::metrics
