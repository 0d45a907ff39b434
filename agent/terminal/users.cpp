#include "agent/terminal/users.hpp"

#include "agent/host/logins.hpp"
#include "proto/terminal.hpp"

namespace fairlead::terminal {

std::vector<std::string> allowed_users(const policy::Policy& policy) {
    auto wanted = [&](const host::Login& login) {
        return policy.permit_terminal(login.name, login.uid == 0).has_value();
    };
    return host::logins_among(policy.terminal_patterns(), wanted, proto::most_terminal_users);
}

} // namespace fairlead::terminal
