#include "controller/access/limits.hpp"

#include "controller/access/permissions.hpp"

#include <algorithm>

namespace fairlead::access {
namespace {

constexpr std::size_t most_projects = 200;
constexpr std::size_t most_codes = 200;

} // namespace

std::vector<std::string>
codes_of(const std::vector<std::string>& given, bool limited, api::Checks& checks) {
    auto codes = given;
    std::sort(codes.begin(), codes.end());
    codes.erase(std::unique(codes.begin(), codes.end()), codes.end());
    checks.that(
        !codes.empty() && given.size() <= most_codes, "permissions", "must name 1 to 200 of them"
    );
    if (given.size() > most_codes) return codes;
    for (const auto& code : codes) {
        if (!is_permission(code))
            checks.wrong("permissions", "\"" + code.substr(0, 64) + "\" is no permission");
        else if (limited && !limited_permissions().contains(code))
            checks.wrong(
                "permissions", code + " is about the whole organization, and this is limited to "
                                      "projects"
            );
    }
    return codes;
}

std::vector<ProjectId>
projects_of(const std::optional<std::vector<std::string>>& given, api::Checks& checks) {
    std::vector<ProjectId> projects;
    if (!given) return projects;
    checks.that(
        !given->empty() && given->size() <= most_projects, "projects",
        "must name 1 to " + std::to_string(most_projects) + " projects, or be left out for all"
    );
    for (const auto& text : *given) {
        auto id = ProjectId::parse(text);
        if (id)
            projects.push_back(*std::move(id));
        else
            checks.wrong("projects", "\"" + text.substr(0, 64) + "\" is no project");
    }
    std::sort(projects.begin(), projects.end());
    projects.erase(std::unique(projects.begin(), projects.end()), projects.end());
    return projects;
}

Result<> not_above(const std::vector<std::string>& permissions, const api::Principal& giver) {
    for (const auto& code : permissions)
        if (!giver.may(code))
            return fail(Error(
                            Errc::forbidden, "You do not hold the permission " + code +
                                                 " yourself, so you cannot hand it out."
            )
                            .with_code("permission_denied")
                            .with_fact("permission", code));
    return {};
}

Result<> all_known(
    const UnknownProjects& unknown, store::Connection& db, const api::OrgScope& scope,
    const std::vector<ProjectId>& projects
) {
    if (projects.empty()) return {};
    FAIRLEAD_TRY(missing, unknown(db, scope, projects));
    if (missing.empty()) return {};
    api::Checks checks;
    for (const auto& id : missing)
        checks.wrong("projects", id.str() + " is no project of this organization");
    return checks.result();
}

} // namespace fairlead::access
