/// Custom hostnames as the API, its events and the audit log show them.
#pragma once

#include "controller/api/audit_log.hpp"
#include "controller/api/events.hpp"
#include "controller/cloudflare/hostnames.hpp"

#include <boost/json/object.hpp>

#include <optional>
#include <string>

namespace fairlead::cloudflare {

/// `pause`: why nothing is asked just now, if so. `target`: what the name's CNAME has to be.
boost::json::object
to_json(const Hostname& row, const std::string& target, const std::optional<Pause>& pause);

/// For the organization's stream.
api::Event event(const OrgId& org, std::string type, const boost::json::object& data);

api::Act act_on(const Hostname& row, std::string action);

} // namespace fairlead::cloudflare
