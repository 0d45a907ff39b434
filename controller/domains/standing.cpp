#include "controller/domains/standing.hpp"

#include "common/json/json.hpp"

#include <algorithm>

namespace fairlead::domains {
namespace {

Standing standing_of(State state) {
    switch (state) {
    case State::verified:
        return Standing::verified;
    case State::pending:
        return Standing::pending;
    default:
        return Standing::failed;
    }
}

} // namespace

Result<std::vector<HostStanding>>
standings(store::Connection& db, const api::OrgScope& scope, std::span<const std::string> hosts) {
    std::vector<HostStanding> all;
    for (const auto& host : hosts) {
        FAIRLEAD_TRY(claims, DomainRepo(db, scope).covering(host));
        HostStanding one{host, Standing::unclaimed, std::nullopt};
        // The best of them counts, and of equals the nearest.
        for (const auto& claim : claims) {
            auto standing = standing_of(claim.state);
            if (one.domain && standing >= one.standing) continue;
            one.standing = standing;
            one.domain = claim.id;
        }
        all.push_back(std::move(one));
    }
    return all;
}

boost::json::array to_json(std::span<const HostStanding> standings) {
    boost::json::array items;
    for (const auto& one : standings)
        items.push_back(boost::json::object{
            {"name", one.name},
            {"state", json::enum_name(one.standing)},
            {"domain_id",
             one.domain ? boost::json::value(one.domain->str()) : boost::json::value(nullptr)}});
    return items;
}

} // namespace fairlead::domains
