#include "agent/host/users.hpp"

#include "common/runtime/process.hpp"

#include <fmt/core.h>

#include <pwd.h>

#include <vector>

namespace fairlead::host {

using namespace std::chrono_literals;

std::optional<UnixUser> find_user(const std::string& name) {
    std::vector<char> buffer(16384);
    passwd entry{};
    passwd* found = nullptr;
    getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (!found) return std::nullopt;
    return UnixUser{entry.pw_uid, entry.pw_gid};
}

Result<UnixUser> ensure_user(const std::string& name, const std::string& home) {
    if (auto user = find_user(name)) return *user;
    Command command;
    command.argv = {"useradd",          "--system",          "--user-group",
                    "--no-create-home", "--home-dir",        home,
                    "--shell",          "/usr/sbin/nologin", name};
    FAIRLEAD_CHECK(run_ok(command));
    auto user = find_user(name);
    if (!user)
        return fail(
            Errc::internal, fmt::format("The Unix user {} was made and is not there.", name)
        );
    return *user;
}

Result<> remove_user(const std::string& name) {
    if (!find_user(name)) return {};
    // userdel refuses a user that still runs something.
    if (Command kill; true) {
        kill.argv = {"pkill", "-KILL", "-u", name};
        (void)run(kill);
    }
    Command command;
    command.argv = {"userdel", name};
    FAIRLEAD_TRY(ended, run(command));
    // 6: there is no such user any more.
    if (ended.ok() || ended.status == 6) return {};
    return fail(
        Errc::internal, fmt::format("The Unix user {} cannot be removed: {}", name, ended.output)
    );
}

} // namespace fairlead::host
