#include "agent/terminal/users.hpp"

#include "agent/host/logins.hpp"
#include "proto/terminal.hpp"

#include <algorithm>

namespace fairlead::terminal {

std::vector<std::string> allowed_users(const policy::Policy& policy) {
    std::vector<std::string> names;
    bool any = false; // whether some name is left open
    for (const auto& pattern : policy.terminal_patterns()) {
        if (pattern.find('*') != std::string::npos) {
            any = true;
            continue;
        }
        // Asked for by name, since not every directory lists its users.
        auto login = host::find_login(pattern);
        if (login && policy.permit_terminal(pattern, login->uid == 0)) names.push_back(pattern);
    }
    if (any) {
        auto wanted = [&](const host::Login& login) {
            return policy.permit_terminal(login.name, login.uid == 0).has_value();
        };
        auto more = host::logins(wanted, proto::most_terminal_users);
        names.insert(names.end(), more.begin(), more.end());
    }
    std::ranges::sort(names);
    auto again = std::ranges::unique(names);
    names.erase(again.begin(), again.end());
    if (names.size() > proto::most_terminal_users) names.resize(proto::most_terminal_users);
    return names;
}

} // namespace fairlead::terminal
