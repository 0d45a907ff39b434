/// This subject's numbers of an organization; `app` hands it to orgs::add_org_routes.
#pragma once

#include "controller/orgs/orgs.hpp"

namespace fairlead::environments {

/// projects, environments, environments_running
Result<> count(store::Connection& db, const api::OrgScope& scope, orgs::Counts& counts);

} // namespace fairlead::environments
