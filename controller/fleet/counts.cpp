#include "controller/fleet/counts.hpp"

#include "controller/fleet/server_repo.hpp"

#include <boost/json.hpp>

#include <string>
#include <tuple>

namespace fairlead::fleet {

Result<> count(store::Connection& db, const api::OrgScope& scope, orgs::Counts& counts) {
    using Row = std::tuple<std::int64_t, std::int64_t>;
    FAIRLEAD_TRY(
        row, db.one<Row>(
                 "SELECT count(*), coalesce(sum(CASE WHEN status = 'online' THEN 1 ELSE 0 END), 0)"
                 " FROM server WHERE org_id = $1 AND revoked_ms IS NULL",
                 scope.org()
             )
    );
    std::tie(counts.servers, counts.servers_online) = row.value_or(Row{});
    return {};
}

Result<boost::json::array> inventory(store::Connection& db, const api::OrgScope& scope) {
    using Row = std::tuple<std::string, std::string, std::string>;
    FAIRLEAD_TRY(
        rows, db.all<Row>(
                  "SELECT id, name, status FROM server WHERE org_id = $1 ORDER BY id DESC"
                  " LIMIT 1000",
                  scope.org()
              )
    );
    boost::json::array list;
    for (const auto& [id, name, status] : rows)
        list.push_back({{"id", id}, {"name", name}, {"status", status}});
    return list;
}

Result<> erase(store::Connection& db, const api::OrgScope& scope) {
    FAIRLEAD_CHECK(db.run("DELETE FROM registration_token WHERE org_id = $1", scope.org()));
    FAIRLEAD_TRY(
        revoked,
        db.all<ServerId>("SELECT id FROM server WHERE org_id = $1 LIMIT 10000", scope.org())
    );
    ServerRepo servers(db, scope);
    for (const auto& server : revoked) FAIRLEAD_CHECK(servers.remove(server));
    return {};
}

} // namespace fairlead::fleet
