/// What is shown of SSH keys.
#pragma once

#include "controller/api/audit_log.hpp"
#include "controller/api/events.hpp"
#include "controller/ssh/key_repo.hpp"

#include <boost/json/object.hpp>

#include <string>
#include <vector>

namespace fairlead::ssh {

/// `problem`: why the server did not do what was asked for its user last; "": it did. Shown of keys
/// that wait for something.
boost::json::object to_json(const Key& key, const std::string& problem);
/// What the server says of itself, beside the keys.
boost::json::object to_json(const std::optional<ServerWord>& word);
std::vector<std::string> users_of(const std::optional<ServerWord>& word);

/// The public half is no secret, and its fingerprint says enough.
api::Act act_on(const Key& key, const std::string& server_name, std::string action);
/// `ssh_keys.updated`: something about this server's keys is another than it was.
api::Event event_of(const OrgId& org, const ServerId& server);

} // namespace fairlead::ssh
