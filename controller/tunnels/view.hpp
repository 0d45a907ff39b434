/// What is shown of tunnel keys.
#pragma once

#include "controller/api/audit_log.hpp"
#include "controller/tunnels/key_repo.hpp"

#include <boost/json/object.hpp>

#include <string>

namespace fairlead::tunnels {

std::string state_name(KeyState state);
boost::json::object to_json(const TunnelKey& key);
api::Act act_on(const TunnelKey& key, std::string action);

} // namespace fairlead::tunnels
