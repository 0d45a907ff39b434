/// Projects, environments and what belongs to them, as the API and its events show them.
#pragma once

#include "controller/api/audit_log.hpp"
#include "controller/api/events.hpp"
#include "controller/environments/connector_token.hpp"
#include "controller/environments/credential_repo.hpp"
#include "controller/environments/environment_repo.hpp"
#include "controller/environments/project_repo.hpp"
#include "controller/environments/release_repo.hpp"
#include "controller/environments/variable_repo.hpp"

#include <boost/json/object.hpp>

namespace fairlead::environments {

boost::json::object to_json(const Credential& credential);
boost::json::object to_json(const Project& project);
boost::json::object to_json(const Release& release);
boost::json::object to_json(const Variable& variable);
boost::json::object to_json(const ConnectorToken& token);

/// With its release, what waits for a redeploy, and its last operation.
Result<boost::json::object>
describe(store::Connection& db, const api::OrgScope& scope, const Environment& environment);

/// An audit entry about it, to be completed.
api::Act act_on(const Environment& environment, std::string action);

/// What programs outside are told of it.
boost::json::object told_of(const Environment& environment);

/// News of one project's things.
api::Event event(
    const OrgId& org, std::string type, const ProjectId& project, const boost::json::object& data
);
/// "….deleted"
api::Event
gone(const OrgId& org, std::string type, const ProjectId& project, const std::string& id);
Result<api::Event> environment_event(
    store::Connection& db, const api::OrgScope& scope, const Environment& environment
);

} // namespace fairlead::environments
