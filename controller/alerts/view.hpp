/// Alerts and their rules as the API, its events, webhooks and the audit log show them.
#pragma once

#include "controller/alerts/alert_repo.hpp"
#include "controller/api/events.hpp"

#include <boost/json/object.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace fairlead::alerts {

boost::json::object to_json(const Rule& rule);
boost::json::object to_json(const Alert& alert);
/// What programs outside are told of it.
boost::json::object told_of(const Alert& alert);
/// What of a rule the audit log keeps.
boost::json::object audit_facts(const Rule& rule);
/// Something of them is new: whoever shows them reads them again.
api::Event updated_event(const OrgId& org);

std::vector<std::string> mail_members(const Rule& rule);

/// "server", "environment", "certificate".
std::string_view type_of(std::string_view subject_id);

} // namespace fairlead::alerts
