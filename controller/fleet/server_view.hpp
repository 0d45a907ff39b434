/// Servers and tokens as the API and its events show them.
#pragma once

#include "controller/api/events.hpp"
#include "controller/fleet/fact_points.hpp"
#include "controller/fleet/server_repo.hpp"
#include "controller/fleet/token_repo.hpp"

#include <boost/json/object.hpp>

namespace fairlead::fleet {

boost::json::object to_json(const Server& server);
boost::json::object to_json(const RegistrationToken& token, Timestamp now);
boost::json::object to_json(const FactPoint& point);
/// What programs outside are told of it.
boost::json::object told_of(const Server& server);
api::Event server_event(const OrgId& org, const Server& server);

/// What a server says of itself, cut to the lengths of the contract; as it is stored.
std::string facts_text(proto::Facts facts, Timestamp at);

} // namespace fairlead::fleet
