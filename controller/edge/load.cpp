#include "controller/edge/load.hpp"

#include "common/json/json.hpp"
#include "common/runtime/log.hpp"
#include "proto/codec.hpp"
#include "proto/operations.hpp"

#include <boost/describe.hpp>

#include <map>
#include <unordered_set>
#include <vector>

namespace fairlead::edge {
namespace {

constexpr std::int64_t page_rows = 500;
// Far more than one controller serves; what is beyond is not routed, and the log says so.
constexpr std::size_t most_rows = 200'000;

struct DomainRow {
    std::string id;
    OrgId org_id;
    std::string name;
};
BOOST_DESCRIBE_STRUCT(DomainRow, (), (id, org_id, name))

struct EnvironmentRow {
    EnvironmentId id;
    OrgId org_id;
    ServerId server_id;
    std::string slug;
    std::string domains;
    std::uint16_t port = 0;
    std::uint16_t gevent_port = 0;
    std::int64_t workers = 0;
    std::string live_spec;
};
BOOST_DESCRIBE_STRUCT(
    EnvironmentRow, (),
    (id, org_id, server_id, slug, domains, port, gevent_port, workers, live_spec)
)

/// Verified names by organization.
using Verified = std::map<OrgId, std::unordered_set<std::string>>;

/// "*.example.org" covers every depth below it, not the name itself.
bool covers(const std::unordered_set<std::string>& verified, const std::string& host) {
    if (verified.contains(host)) return true;
    for (auto dot = host.find('.'); dot != std::string::npos; dot = host.find('.', dot + 1))
        if (verified.contains("*" + host.substr(dot))) return true;
    return false;
}

bool too_many(std::size_t count, std::string_view what) {
    if (count < most_rows) return false;
    log::error(
        "not everything is routed: there are too many rows", {{"of", what}, {"most", most_rows}}
    );
    return true;
}

Result<Verified> read_verified(store::Connection& db) {
    Verified verified;
    std::string after;
    for (std::size_t count = 0; !too_many(count, "domains");) {
        FAIRLEAD_TRY(
            rows, db.all<DomainRow>(
                      "SELECT d.id, d.org_id, d.name FROM domains d WHERE d.state = 'verified' AND "
                      "d.id > $1 AND EXISTS (SELECT 1 FROM environment e WHERE e.org_id = d.org_id "
                      "AND e.exposure = 'tunnel') ORDER BY d.id LIMIT $2",
                      after, page_rows
                  )
        );
        for (auto& row : rows) verified[row.org_id].insert(std::move(row.name));
        if (rows.size() < page_rows) break;
        after = rows.back().id;
        count += rows.size();
    }
    return verified;
}

std::shared_ptr<const Route> route_of(const EnvironmentRow& row) {
    auto route = std::make_shared<Route>();
    route->org = row.org_id;
    route->environment = row.id;
    route->slug = row.slug;
    route->server = row.server_id;
    route->port = row.port;
    auto gevent = row.gevent_port;
    auto workers = row.workers;
    // What is live may differ from what the next deployment makes.
    if (!row.live_spec.empty())
        if (auto live = proto::read_text<proto::EnvironmentSpec>(row.live_spec)) {
            route->port = live->port;
            gevent = live->gevent_port;
            workers = static_cast<std::int64_t>(live->resources.workers);
        }
    route->gevent_port = workers > 0 ? gevent : std::uint16_t(0);
    return route;
}

void add_names(Table& table, const Verified& verified, const EnvironmentRow& row) {
    auto of_org = verified.find(row.org_id);
    if (of_org == verified.end()) return;
    auto names = json::decode<std::vector<std::string>>(row.domains, json::Strictness::lenient);
    if (!names) return;
    std::shared_ptr<const Route> route;
    for (const auto& listed : *names) {
        auto host = plain_name(listed);
        // A wildcard is nothing that a client can ask for.
        if (host.starts_with('*')) continue;
        if (!covers(of_org->second, host)) continue;
        if (!route) route = route_of(row);
        table.add(std::move(host), route);
    }
}

} // namespace

Result<Table> load_table(store::Connection& db) {
    Table table;
    FAIRLEAD_TRY(verified, read_verified(db));
    if (verified.empty()) return table;
    EnvironmentId after;
    for (std::size_t count = 0; !too_many(count, "environments");) {
        FAIRLEAD_TRY(
            rows,
            db.all<EnvironmentRow>(
                "SELECT e.id, e.org_id, e.server_id, e.slug, e.domains, e.port, e.gevent_port, "
                "e.workers, coalesce(r.spec, '') AS live_spec FROM environment e LEFT JOIN "
                "environment_release r ON r.id = e.current_release AND r.org_id = e.org_id WHERE "
                "e.exposure = 'tunnel' AND e.id > $1 ORDER BY e.id LIMIT $2",
                after, page_rows
            )
        );
        for (const auto& row : rows) add_names(table, verified, row);
        if (rows.size() < page_rows) break;
        after = rows.back().id;
        count += rows.size();
    }
    return table;
}

} // namespace fairlead::edge
