/// How the names of an environment stand: whether they would be routed, and what is missing.
#pragma once

#include "controller/domains/domain_repo.hpp"

#include <boost/json/array.hpp>

#include <optional>
#include <span>
#include <string>

namespace fairlead::domains {

BOOST_DEFINE_ENUM_CLASS(
    Standing, verified, ///< proved by this organization, itself or by a wildcard above it
    pending,            ///< claimed, and not proved yet
    failed,             ///< claimed once; the proof was not found, or is gone
    unclaimed
)

struct HostStanding {
    std::string name;
    Standing standing = Standing::unclaimed;
    std::optional<DomainId> domain; ///< the claim that says so
};

/// In the order of `hosts`, normal names.
Result<std::vector<HostStanding>>
standings(store::Connection& db, const api::OrgScope& scope, std::span<const std::string> hosts);

/// As an environment shows them: name, state, domain_id.
boost::json::array to_json(std::span<const HostStanding> standings);

} // namespace fairlead::domains
