/// What is handed out to a key or a grant: permissions and projects, never more than the giver has.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/principal.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::access {

/// Which of these are no projects of the scope; `environments` knows.
using UnknownProjects = std::function<Result<std::vector<
    ProjectId>>(store::Connection&, const api::OrgScope&, const std::vector<ProjectId>&)>;

/// Checks "permissions": each a code, each once; with projects named, those that are about
/// projects.
std::vector<std::string>
codes_of(const std::vector<std::string>& given, bool limited, api::Checks& checks);

/// Checks "projects": 1 to 200 ids where they are given.
std::vector<ProjectId>
projects_of(const std::optional<std::vector<std::string>>& given, api::Checks& checks);

/// Errc::forbidden (permission_denied, fact permission) for one that the giver does not hold.
Result<> not_above(const std::vector<std::string>& permissions, const api::Principal& giver);

/// Errc::invalid names a project that is not there.
Result<> all_known(
    const UnknownProjects& unknown, store::Connection& db, const api::OrgScope& scope,
    const std::vector<ProjectId>& projects
);

} // namespace fairlead::access
