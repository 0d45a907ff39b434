/// Servers and tokens as the API and its events show them.
#pragma once

#include "controller/api/events.hpp"
#include "controller/fleet/server_repo.hpp"
#include "controller/fleet/token_repo.hpp"
#include "proto/messages.hpp"

#include <boost/json/object.hpp>

#include <string>
#include <vector>

namespace fairlead::fleet {

/// Lives in `storage`, the heap unless told.
boost::json::object to_json(const Server& server, boost::json::storage_ptr storage = {});
boost::json::object to_json(const RegistrationToken& token, Timestamp now);
/// What programs outside are told of it.
boost::json::object told_of(const Server& server);
api::Event server_event(const OrgId& org, const Server& server);

/// The Unix users that terminals may be opened as.
std::vector<std::string> terminal_users(const Server& server);
/// The same as it is stored: what is no name of a Unix user, and what is beyond 64, is left out.
std::string terminal_users_text(const std::vector<std::string>& names);

/// What a server says of itself, cut to the lengths of the contract; as it is stored.
std::string facts_text(proto::Facts facts, Timestamp at);

} // namespace fairlead::fleet
