#include "controller/environments/release_info.hpp"

#include "common/json/json.hpp"
#include "controller/operations/operations.hpp"

namespace fairlead::environments {
namespace {

constexpr std::size_t max_commits = 100;
constexpr std::size_t max_packages = 2000;

} // namespace

void take_over(Release& row, proto::ReleaseInfo info) {
    if (info.commits.size() > max_commits) info.commits.resize(max_commits);
    for (auto& commit : info.commits)
        for (auto* text :
             {&commit.repository, &commit.url, &commit.branch, &commit.commit, &commit.subject})
            *text = operations::cut(std::move(*text), 500);
    if (info.python_packages.size() > max_packages) info.python_packages.resize(max_packages);
    for (auto& package : info.python_packages) package = operations::cut(std::move(package), 200);
    row.commits = json::encode(info.commits);
    row.python_packages = json::encode(info.python_packages);
    row.manifest_sha256 = operations::cut(info.manifest_sha256, 64);
    row.has_database_snapshot = info.has_database_snapshot;
}

} // namespace fairlead::environments
