/// Unix users of this server.
#pragma once

#include "common/runtime/result.hpp"

#include <sys/types.h>

#include <optional>
#include <string>

namespace fairlead::host {

struct UnixUser {
    uid_t uid = 0;
    gid_t gid = 0;
};

/// Nothing when there is no such user.
std::optional<UnixUser> find_user(const std::string& name);

/// Makes a system user with a group of its own, no shell and no password. Fine when it is there.
Result<UnixUser> ensure_user(const std::string& name, const std::string& home);

/// Ends its processes and removes it and its group. Fine when it is gone.
Result<> remove_user(const std::string& name);

} // namespace fairlead::host
