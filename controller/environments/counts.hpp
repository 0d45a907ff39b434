/// What the organization asks of this subject: its numbers, its list of things, and in the end to
/// forget it. `app` hands them on.
#pragma once

#include "controller/orgs/orgs.hpp"

#include <boost/json/array.hpp>

#include <vector>

namespace fairlead::environments {

/// projects, environments, environments_running
Result<> count(store::Connection& db, const api::OrgScope& scope, orgs::Counts& counts);

/// [{id, name, type, status}], the first 1,000 by name: for support.
Result<boost::json::array> inventory(store::Connection& db, const api::OrgScope& scope);

/// Whether a production environment stands on the server.
Result<bool>
production_on(store::Connection& db, const api::OrgScope& scope, const ServerId& server);

/// Which of these are no projects of the organization: for who is limited to projects.
Result<std::vector<ProjectId>> unknown_projects(
    store::Connection& db, const api::OrgScope& scope, const std::vector<ProjectId>& projects
);

/// Everything that is left of an organization which is deleted; see orgs::Eraser.
Result<> erase(store::Connection& db, const api::OrgScope& scope);

} // namespace fairlead::environments
