/// Certificates as the API, its events and the audit log show them.
#pragma once

#include "controller/api/audit_log.hpp"
#include "controller/api/events.hpp"
#include "controller/certificates/certificates.hpp"

#include <boost/json/object.hpp>

#include <optional>
#include <string>

namespace fairlead::certificates {

/// `pause`: why none is asked for just now, if so.
boost::json::object to_json(const Certificate& certificate, const std::optional<Pause>& pause);

/// For the organization's stream.
api::Event event(const OrgId& org, std::string type, const boost::json::object& data);

api::Act act_on(const Certificate& certificate, std::string action);

} // namespace fairlead::certificates
