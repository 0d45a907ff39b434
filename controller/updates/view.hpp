/// Roll-outs as the API, the audit log and events show them.
#pragma once

#include "controller/api/audit_log.hpp"
#include "controller/api/events.hpp"
#include "controller/install/packages.hpp"
#include "controller/updates/rollout_repo.hpp"

#include <boost/json/object.hpp>

#include <vector>

namespace fairlead::updates {

boost::json::object to_json(const install::Offer& offer);
boost::json::object to_json(const Member& member);
boost::json::object to_json(const Rollout& rollout, const std::vector<Count>& counts);
/// With what is before and after unsaid: version and stage.
api::Act act_on(const Rollout& rollout, std::string action);
api::Event event_of(const OrgId& org, const Rollout& rollout, const std::vector<Count>& counts);

} // namespace fairlead::updates
