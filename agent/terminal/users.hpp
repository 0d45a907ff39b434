/// As whom terminals can be opened on this server.
#pragma once

#include "agent/policy/policy.hpp"

#include <string>
#include <vector>

namespace fairlead::terminal {

/// Names that the policy allows and that can log in, sorted, at most proto::most_terminal_users.
/// Not for several threads at once.
std::vector<std::string> allowed_users(const policy::Policy& policy);

} // namespace fairlead::terminal
