// The environment that is made for a copy: as its source is, where nothing else was asked for.
#include "controller/backups/copy_chain.hpp"
#include "controller/environments/release_repo.hpp"
#include "controller/environments/variable_repo.hpp"
#include "proto/codec.hpp"

#include <algorithm>

namespace fairlead::backups {
namespace {

using environments::Environment;
using environments::EnvironmentRepo;
using environments::ProjectRepo;
using environments::Release;
using environments::ReleaseRepo;

constexpr std::int64_t releases_looked_at = 200;

/// The release that a backup was made of, else the next older one, else the oldest.
Result<std::optional<proto::EnvironmentSpec>> spec_near(
    store::Connection& db, const api::OrgScope& scope, const EnvironmentId& environment,
    std::uint32_t number
) {
    using Found = std::optional<proto::EnvironmentSpec>;
    FAIRLEAD_TRY(newest_first, ReleaseRepo(db, scope).list(environment, "", releases_looked_at));
    std::erase_if(newest_first, [](const Release& release) {
        return release.spec.empty() || release.state == environments::ReleaseState::failed ||
               release.state == environments::ReleaseState::building;
    });
    if (newest_first.empty()) return Found();
    auto at = std::ranges::find_if(newest_first, [&](const Release& release) {
        return number == 0 || release.number <= number;
    });
    const auto& chosen = at == newest_first.end() ? newest_first.back() : *at;
    auto spec = proto::read_text<proto::EnvironmentSpec>(chosen.spec);
    return spec ? Found(std::move(*spec)) : Found();
}

} // namespace

Result<Environment> Copies::make_target(
    Unit& unit, const Scope& scope, const Actor& actor, const ProjectId& project_id,
    const EnvironmentId& source_id, const NewTarget& wanted
) {
    FAIRLEAD_TRY(source, EnvironmentRepo(unit.db(), scope).find(source_id));
    FAIRLEAD_TRY(project, ProjectRepo(unit.db(), scope).get(project_id));
    environments::NewEnvironment made;
    auto& row = made.row;
    if (source) {
        row.modules = source->modules;
        row.requirements = source->requirements;
        row.memory_max_bytes = source->memory_max_bytes;
        row.cpu_percent = source->cpu_percent;
        row.tasks_max = source->tasks_max;
        row.workers = source->workers;
        row.system_site_packages = source->system_site_packages;
        row.keep_releases = source->keep_releases;
        if (environments::any_follows(project.repositories())) row.branch = source->branch;
    }
    if (wanted.branch) row.branch = wanted.branch;
    row.project_id = project_id;
    row.server_id = wanted.server;
    row.name = wanted.name;
    row.type = wanted.type;
    row.slug = wanted.slug.value_or("");
    made.slug_chosen = wanted.slug.has_value();
    FAIRLEAD_TRY(stored, environments_.create(unit, scope, actor, std::move(made)));
    if (!source) return stored;
    environments::VariableRepo variables(unit.db(), scope);
    FAIRLEAD_TRY(theirs, variables.all(source_id));
    for (const auto& variable : theirs)
        if (!variable.secret)
            FAIRLEAD_CHECK(variables.put(
                stored.id, variable, std::nullopt, static_cast<std::int64_t>(variable.value.size())
            ));
    return stored;
}

Result<operations::Operation>
Copies::deploy(Unit& unit, const Scope& scope, const Actor& actor, const Copy& copy) {
    environments::DeployRequest request;
    std::uint32_t number = 0;
    if (copy.backup_id) {
        FAIRLEAD_TRY(backup, BackupRepo(unit.db(), scope).get(*copy.backup_id));
        number = backup.release_number;
    }
    FAIRLEAD_TRY(like, spec_near(unit.db(), scope, copy.source_id, number));
    request.like = std::move(like);
    return environments_.deploy(unit, scope, actor, copy.target_id, request);
}

} // namespace fairlead::backups
