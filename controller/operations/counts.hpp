/// This subject's numbers of an organization, and its end with it; `app` hands them to
/// orgs::add_org_routes.
#pragma once

#include "controller/orgs/orgs.hpp"

namespace fairlead::operations {

/// operations_active
Result<> count(store::Connection& db, const api::OrgScope& scope, orgs::Counts& counts);

/// What was done stands in the audit log, which stays; see orgs::Eraser.
Result<> erase(store::Connection& db, const api::OrgScope& scope);

} // namespace fairlead::operations
