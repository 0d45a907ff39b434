#include "agent/host/logins.hpp"

#include <fmt/core.h>

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

namespace fairlead::host {
namespace {

constexpr std::size_t most_entries = 10'000; // a directory may have very many

bool lets_in(const std::string& shell) {
    auto program = std::string_view(shell).substr(shell.rfind('/') + 1);
    if (program == "nologin" || program == "false" || ::access(shell.c_str(), X_OK) != 0)
        return false;
    bool listed = false;
    ::setusershell();
    while (const char* known = ::getusershell())
        if (shell == known) listed = true;
    ::endusershell();
    return listed;
}

Login login_of(const passwd& entry) {
    Login login;
    login.name = entry.pw_name;
    login.uid = entry.pw_uid;
    login.gid = entry.pw_gid;
    login.home = entry.pw_dir;
    login.shell = entry.pw_shell;
    if (login.shell.empty()) login.shell = "/bin/sh"; // as passwd(5) says
    return login;
}

} // namespace

Result<Login> find_login(const std::string& name) {
    std::vector<char> buffer(16384);
    passwd entry{};
    passwd* found = nullptr;
    ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (!found) return fail(Errc::not_found, fmt::format("There is no Unix user {} here.", name));
    auto login = login_of(entry);
    if (!lets_in(login.shell))
        return fail(
            Errc::not_found,
            fmt::format(
                "The Unix user {} has no login shell: {} is not in /etc/shells, or lets nobody in.",
                name, login.shell
            )
        );
    return login;
}

std::vector<std::string> logins(const std::function<bool(const Login&)>& wanted, std::size_t most) {
    std::vector<std::string> names;
    ::setpwent();
    for (std::size_t seen = 0; names.size() < most && seen < most_entries; ++seen) {
        const auto* entry = ::getpwent();
        if (!entry) break;
        auto login = login_of(*entry);
        if (wanted(login) && lets_in(login.shell)) names.push_back(login.name);
    }
    ::endpwent();
    return names;
}

std::vector<std::string> logins_among(
    const std::vector<std::string>& patterns, const std::function<bool(const Login&)>& wanted,
    std::size_t most
) {
    std::vector<std::string> names;
    bool any = false; // whether some name is left open
    for (const auto& pattern : patterns) {
        if (pattern.find('*') != std::string::npos) {
            any = true;
            continue;
        }
        auto login = find_login(pattern);
        if (login && wanted(*login)) names.push_back(pattern);
    }
    if (any) {
        auto more = logins(wanted, most);
        names.insert(names.end(), more.begin(), more.end());
    }
    std::ranges::sort(names);
    auto again = std::ranges::unique(names);
    names.erase(again.begin(), again.end());
    if (names.size() > most) names.resize(most);
    return names;
}

} // namespace fairlead::host
