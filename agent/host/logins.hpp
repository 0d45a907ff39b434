/// Unix users that somebody can log in as.
#pragma once

#include "common/runtime/result.hpp"

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace fairlead::host {

struct Login {
    std::string name;
    uid_t uid = 0;
    gid_t gid = 0;
    std::string home;
    std::string shell; ///< an absolute path
};

/// Errc::not_found says why nobody logs in as this user: there is none, or its shell is not one of
/// /etc/shells, or one that lets nobody in. Not for several threads at once.
Result<Login> find_login(const std::string& name);

/// Names of users who can log in and are `wanted`, `most` at the most. Where users come from a
/// directory that does not list them, those are missing. Not for several threads at once.
std::vector<std::string> logins(const std::function<bool(const Login&)>& wanted, std::size_t most);

/// Those that one of `patterns` (names, or globs with '*') could mean and that are `wanted`,
/// sorted. Names are found also where users come from a directory that does not list them. Not for
/// several threads at once.
std::vector<std::string> logins_among(
    const std::vector<std::string>& patterns, const std::function<bool(const Login&)>& wanted,
    std::size_t most
);

} // namespace fairlead::host
