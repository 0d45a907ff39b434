/// What the API shows of the log.
#pragma once

#include "controller/api/change.hpp"
#include "controller/api/route_table.hpp"
#include "controller/audit/notary.hpp"
#include "controller/orgs/plans.hpp"

namespace fairlead::audit {

/// What the routes work with.
struct RouteParts {
    api::Desk desk;
    Notary& notary;
    const orgs::Plans& plans;
};

/// GET …/orgs/{org}/audit and what stands below it: one entry, its proof, checkpoints, consistency
/// between two of them, exports. `parts` outlives the table.
void add_audit_routes(api::RouteTable& table, RouteParts& parts);
/// The same of the installation's own log below /api/v1/installation/audit, for operators. No
/// server witnesses that one: it is nobody's server.
void add_installation_audit_routes(api::RouteTable& table, RouteParts& parts);

} // namespace fairlead::audit
