/// What somebody is in an organization, and what the organization asks of everybody who enters: all
/// that decides about a request, read at once.
#pragma once

#include "common/store/connection.hpp"
#include "controller/orgs/plans.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>

namespace fairlead::orgs {

struct Standing {
    std::string role; ///< "admin", "developer", "viewer" or the id of a custom role
    std::string role_name;
    std::optional<std::string> role_permissions; ///< of a custom role: JSON list of codes
    bool owner = false;
    bool limited = false;       ///< to the projects that `project_limit` names for this person
    std::string granted = "[]"; ///< JSON lists of codes
    std::string withdrawn = "[]";
    bool connect_as = true; ///< may be reached by, and use, Connect-As
    std::string org_name;
    Plan plan = Plan::free;
    std::string sso_required; ///< slug of the provider that sessions must come from; "": any
    bool two_factor_required = false;
    bool clone_enabled = true;    ///< data may be copied into another environment
    std::string addresses = "[]"; ///< JSON list of addresses and networks; empty: any
};
BOOST_DESCRIBE_STRUCT(
    Standing, (),
    (role, role_name, role_permissions, owner, limited, granted, withdrawn, connect_as, org_name,
     plan, sso_required, two_factor_required, clone_enabled, addresses)
)

/// Nothing when the person is no member.
Result<std::optional<Standing>>
standing_of(store::Connection& db, const OrgId& org, const UserId& user);

} // namespace fairlead::orgs
