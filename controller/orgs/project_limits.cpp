#include "controller/orgs/project_limits.hpp"

#include "controller/api/checks.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::orgs {

Result<std::vector<std::string>> ProjectLimits::of(std::string_view holder) {
    return db_.all<std::string>(
        "SELECT project_id FROM project_limit WHERE org_id = $1 AND holder = $2 ORDER BY "
        "project_id LIMIT 1000",
        org_, holder
    );
}

Result<> ProjectLimits::set(std::string_view holder, const std::vector<std::string>& projects) {
    FAIRLEAD_CHECK(clear(holder));
    for (const auto& project : projects)
        FAIRLEAD_CHECK(db_.run(
            "INSERT INTO project_limit (org_id, holder, project_id) VALUES ($1, $2, $3)", org_,
            holder, project
        ));
    return {};
}

Result<> ProjectLimits::clear(std::string_view holder) {
    FAIRLEAD_CHECK(
        db_.run("DELETE FROM project_limit WHERE org_id = $1 AND holder = $2", org_, holder)
    );
    return {};
}

Result<> ProjectLimits::forget(const ProjectId& project) {
    FAIRLEAD_CHECK(
        db_.run("DELETE FROM project_limit WHERE org_id = $1 AND project_id = $2", org_, project)
    );
    return {};
}

Result<std::vector<std::string>> ProjectLimits::check(std::vector<std::string> projects) {
    api::Checks checks;
    checks.that(
        !projects.empty() && projects.size() <= most, "projects",
        fmt::format("must be 1 to {} projects", most)
    );
    FAIRLEAD_CHECK(checks.result());
    std::ranges::sort(projects);
    projects.erase(std::ranges::unique(projects).begin(), projects.end());
    for (const auto& project : projects) {
        FAIRLEAD_TRY(
            there, db_.one<std::int64_t>(
                       "SELECT 1 FROM project WHERE org_id = $1 AND id = $2", org_, project
                   )
        );
        checks.that(
            there.has_value(), "projects",
            fmt::format("names {}, which is no project here", project.substr(0, 40))
        );
    }
    FAIRLEAD_CHECK(checks.result());
    return projects;
}

} // namespace fairlead::orgs
