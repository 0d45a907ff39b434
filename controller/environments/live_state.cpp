#include "controller/environments/live_state.hpp"

#include "common/json/json.hpp"
#include "common/runtime/log.hpp"
#include "controller/environments/credential_repo.hpp"
#include "controller/environments/variable_repo.hpp"
#include "controller/environments/view.hpp"
#include "controller/operations/operations.hpp"
#include "controller/operations/repo.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

namespace fairlead::environments {
namespace {

constexpr std::size_t max_found = 500;    ///< environments that one server may name
constexpr std::size_t max_releases = 200; ///< of one environment
constexpr std::size_t max_commits = 100;
constexpr std::size_t max_packages = 2000;

bool known_state(std::string_view state) {
    return state == "running" || state == "stopped" || state == "failed" || state == "starting";
}

/// What the server says of a release, into the row. Lengths are its business only up to a point.
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

} // namespace

Result<>
LiveState::publish(store::UnitOfWork& unit, const api::OrgScope& scope, const EnvironmentId& id) {
    FAIRLEAD_TRY(row, EnvironmentRepo(unit.db(), scope).find(id));
    if (!row) return {};
    FAIRLEAD_TRY(news, environment_event(unit.db(), scope, *row));
    operations::publish(unit, events_, {std::move(news)});
    return {};
}

void LiveState::publish(
    store::UnitOfWork& unit, const api::OrgScope& scope, const Release& release
) {
    operations::publish(unit, events_, {event(scope.org(), "release.updated", to_json(release))});
}

// ---- operations
// ----------------------------------------------------------------------------------------------

Result<std::map<std::string, std::string>> LiveState::secrets(
    store::Connection& db, const api::OrgScope& scope, const operations::Operation& operation,
    const std::string& args
) {
    std::map<std::string, std::string> secrets;
    proto::EnvironmentSpec spec;
    if (operation.kind == proto::kind::deploy) {
        FAIRLEAD_TRY(deploy, proto::read_text<proto::DeployArgs>(args));
        spec = std::move(deploy.environment);
    } else if (operation.kind == proto::kind::preflight) {
        FAIRLEAD_TRY(preflight, proto::read_text<proto::PreflightArgs>(args));
        spec = std::move(preflight.environment);
    } else {
        return secrets;
    }

    auto open = [&](const std::optional<store::Blob>& sealed, const std::string& context,
                    std::string what, std::string name) -> Result<> {
        if (!sealed) return fail(Errc::not_found, what + " was deleted since. Deploy again.");
        auto value = keys_.open(sealed->bytes, context);
        if (!value)
            return fail(
                Errc::internal,
                what + " cannot be opened with this controller's keystore. Store it anew.",
                value.error().message()
            );
        secrets.emplace(std::move(name), std::string(value->reveal()));
        return {};
    };
    std::vector<const proto::Source*> sources{&spec.odoo};
    for (const auto& addon : spec.addons) sources.push_back(&addon);
    CredentialRepo credentials(db, scope);
    for (const auto* source : sources) {
        if (source->credential.empty()) continue;
        FAIRLEAD_TRY(sealed, credentials.sealed(source->credential));
        FAIRLEAD_CHECK(open(
            sealed, credential_context(source->credential),
            fmt::format("The git credential of \"{}\"", source->name),
            "credential:" + source->credential
        ));
    }
    auto environment = EnvironmentId::trusted(spec.id);
    VariableRepo variables(db, scope);
    for (const auto& variable : spec.variables) {
        if (!variable.secret) continue;
        FAIRLEAD_TRY(sealed, variables.sealed(environment, variable.name));
        FAIRLEAD_CHECK(open(
            sealed, variable_context(environment, variable.name),
            fmt::format("The secret variable {}", variable.name), "variable:" + variable.name
        ));
    }
    return secrets;
}

Result<> LiveState::moved(
    store::UnitOfWork& unit, const api::OrgScope& scope, const operations::Operation& operation
) {
    if (!operation.environment_id) return {};
    if (operation.state == operations::State::queued)
        FAIRLEAD_CHECK(EnvironmentRepo(unit.db(), scope)
                           .set_last_operation(*operation.environment_id, operation.id));
    return publish(unit, scope, *operation.environment_id);
}

Result<> LiveState::finished(
    store::UnitOfWork& unit, const api::OrgScope& scope, const operations::Operation& operation,
    const std::string& args, const proto::Finished& finished
) {
    if (!operation.environment_id) return {};
    EnvironmentRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(row, repo.find(*operation.environment_id));
    if (!row) return {};
    auto& environment = *row;
    bool succeeded = finished.outcome == proto::Outcome::succeeded;
    if (operation.kind == proto::kind::deploy)
        return deployed(unit, scope, environment, args, finished);
    if (!succeeded) return {};
    if (operation.kind == proto::kind::remove) return forget(unit, scope, environment.id);
    if (operation.kind == proto::kind::rollback) return rolled_back(unit, scope, environment, args);
    if (operation.kind == proto::kind::start || operation.kind == proto::kind::restart)
        environment.live_state = "running";
    else if (operation.kind == proto::kind::stop)
        environment.live_state = "stopped";
    else
        return {};
    environment.live_detail.clear();
    return repo.update_live(environment);
}

Result<> LiveState::deployed(
    store::UnitOfWork& unit, const api::OrgScope& scope, Environment& environment,
    const std::string& args, const proto::Finished& finished
) {
    FAIRLEAD_TRY(deploy, proto::read_text<proto::DeployArgs>(args));
    ReleaseRepo releases(unit.db(), scope);
    FAIRLEAD_TRY(row, releases.find(environment.id, ReleaseId::trusted(deploy.release.id)));
    if (!row) return {};
    if (finished.outcome == proto::Outcome::succeeded) {
        if (finished.result.release) take_over(*row, *finished.result.release);
        return make_live(
            unit, scope, environment, std::move(*row), finished.result.removed_releases
        );
    }
    if (row->state != ReleaseState::building) return {};
    row->state = ReleaseState::failed;
    FAIRLEAD_CHECK(releases.put(*row));
    publish(unit, scope, *row);
    return {};
}

Result<> LiveState::rolled_back(
    store::UnitOfWork& unit, const api::OrgScope& scope, Environment& environment,
    const std::string& args
) {
    FAIRLEAD_TRY(rollback, proto::read_text<proto::RollbackArgs>(args));
    FAIRLEAD_TRY(
        row,
        ReleaseRepo(unit.db(), scope).find(environment.id, ReleaseId::trusted(rollback.release.id))
    );
    if (!row) return {};
    return make_live(unit, scope, environment, std::move(*row), {});
}

Result<> LiveState::make_live(
    store::UnitOfWork& unit, const api::OrgScope& scope, Environment& environment, Release release,
    const std::vector<std::uint32_t>& removed
) {
    ReleaseRepo releases(unit.db(), scope);
    FAIRLEAD_TRY(present, releases.present_ones(environment.id));
    for (auto& other : present) {
        if (other.id == release.id) continue;
        bool is_gone = std::find(removed.begin(), removed.end(), other.number) != removed.end();
        auto state = is_gone ? ReleaseState::removed : ReleaseState::kept;
        if (other.state == state) continue;
        other.state = state;
        if (is_gone) other.has_database_snapshot = false;
        FAIRLEAD_CHECK(releases.put(other));
        publish(unit, scope, other);
    }
    release.state = ReleaseState::live;
    FAIRLEAD_CHECK(releases.put(release));
    publish(unit, scope, release);
    environment.current_release = release.id;
    environment.live_state = "running";
    environment.live_detail.clear();
    EnvironmentRepo repo(unit.db(), scope);
    FAIRLEAD_CHECK(repo.release_old_ports(environment));
    return repo.update_live(environment);
}

Result<> LiveState::forget(
    store::UnitOfWork& unit, const api::OrgScope& scope, const EnvironmentId& environment
) {
    FAIRLEAD_CHECK(VariableRepo(unit.db(), scope).remove_all(environment));
    FAIRLEAD_CHECK(ReleaseRepo(unit.db(), scope).remove_all(environment));
    FAIRLEAD_CHECK(EnvironmentRepo(unit.db(), scope).remove(environment));
    operations::publish(
        unit, events_, {gone(scope.org(), "environment.deleted", environment.str())}
    );
    return {};
}

// ---- servers
// -------------------------------------------------------------------------------------------------

Result<> LiveState::reachability_changed(
    store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server
) {
    FAIRLEAD_TRY(environments, EnvironmentRepo(unit.db(), scope).on_server(server));
    std::vector<api::Event> news;
    for (const auto& environment : environments) {
        FAIRLEAD_TRY(one, environment_event(unit.db(), scope, environment));
        news.push_back(std::move(one));
    }
    operations::publish(unit, events_, std::move(news));
    return {};
}

Result<> LiveState::inventory(
    store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server,
    const std::vector<proto::EnvironmentState>& found
) {
    EnvironmentRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(rows, repo.on_server(server));
    std::vector<Found> unknown;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < found.size() && i < max_found; ++i) {
        const auto& one = found[i];
        seen.insert(one.id);
        auto row = std::find_if(rows.begin(), rows.end(), [&](const auto& e) {
            return e.id.str() == one.id;
        });
        if (row == rows.end()) {
            unknown.push_back({operations::cut(one.slug, 31), operations::cut(one.id, 64), one.port}
            );
            continue;
        }
        FAIRLEAD_TRY(changed, reconcile(unit, scope, *row, one));
        if (changed) FAIRLEAD_CHECK(publish(unit, scope, row->id));
    }
    for (auto& row : rows) {
        if (seen.contains(row.id.str())) continue;
        FAIRLEAD_TRY(changed, nothing_there(unit, scope, row));
        if (changed) FAIRLEAD_CHECK(publish(unit, scope, row.id));
    }
    if (!unknown.empty())
        log::warning(
            "a server holds environments that this controller does not know; their names and ports "
            "stay taken",
            {{"server", server.str()}, {"count", unknown.size()}, {"first", unknown.front().slug}}
        );
    return repo.put_found(server, unknown);
}

Result<bool> LiveState::reconcile(
    store::UnitOfWork& unit, const api::OrgScope& scope, Environment& environment,
    const proto::EnvironmentState& found
) {
    ReleaseRepo releases(unit.db(), scope);
    auto before = environment;
    environment.live_state = known_state(found.state) ? found.state : "failed";
    environment.live_detail = operations::cut(found.detail, 500);
    environment.current_release.reset();

    std::set<ReleaseId> there;
    for (std::size_t i = 0; i < found.releases.size() && i < max_releases; ++i) {
        const auto& info = found.releases[i];
        auto id = ReleaseId::parse(info.id);
        if (!id || !there.insert(*id).second) continue;
        FAIRLEAD_TRY(row, releases.find(environment.id, *id));
        Release release;
        if (row) {
            release = *row;
        } else {
            release.id = *id;
            release.environment_id = environment.id;
            release.number = info.number;
            release.created_ms =
                from_ms(std::clamp<std::int64_t>(info.created_at_ms, 0, to_ms(clock_.now())));
            if (auto operation = OperationId::parse(info.operation))
                release.operation_id = *operation;
        }
        take_over(release, info);
        release.state = info.live ? ReleaseState::live : ReleaseState::kept;
        if (info.live) environment.current_release = *id;
        environment.next_release = std::max(environment.next_release, info.number + 1);
        if (row && *row == release) continue;
        FAIRLEAD_CHECK(releases.put(release));
        publish(unit, scope, release);
    }
    FAIRLEAD_TRY(present, releases.present_ones(environment.id));
    for (auto& release : present) {
        if (there.contains(release.id)) continue;
        release.state = ReleaseState::removed;
        release.has_database_snapshot = false;
        FAIRLEAD_CHECK(releases.put(release));
        publish(unit, scope, release);
    }
    bool changed = environment.live_state != before.live_state ||
                   environment.live_detail != before.live_detail ||
                   environment.current_release != before.current_release ||
                   environment.next_release != before.next_release;
    if (changed) FAIRLEAD_CHECK(EnvironmentRepo(unit.db(), scope).update_live(environment));
    return changed;
}

Result<bool> LiveState::nothing_there(
    store::UnitOfWork& unit, const api::OrgScope& scope, Environment& environment
) {
    if (environment.never_deployed() || !environment.busy_state.empty()) return false;
    if (environment.last_operation_id) {
        FAIRLEAD_TRY(
            last, operations::OperationRepo(unit.db(), scope).find(*environment.last_operation_id)
        );
        if (last && last->finished_ms && clock_.now() < *last->finished_ms + settling) return false;
    }
    environment.live_state.clear();
    environment.live_detail.clear();
    environment.current_release.reset();
    ReleaseRepo releases(unit.db(), scope);
    FAIRLEAD_TRY(present, releases.present_ones(environment.id));
    for (auto& release : present) {
        release.state = ReleaseState::removed;
        release.has_database_snapshot = false;
        FAIRLEAD_CHECK(releases.put(release));
        publish(unit, scope, release);
    }
    FAIRLEAD_CHECK(EnvironmentRepo(unit.db(), scope).update_live(environment));
    return true;
}

Result<> LiveState::health(
    store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server,
    const std::vector<proto::EnvironmentHealth>& health
) {
    if (health.empty()) return {};
    EnvironmentRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(rows, repo.on_server(server));
    for (std::size_t i = 0; i < health.size() && i < max_found; ++i) {
        const auto& said = health[i];
        auto row = std::find_if(rows.begin(), rows.end(), [&](const auto& e) {
            return e.slug == said.slug;
        });
        // What was never deployed is under way at most: its deployment says when it is there.
        if (row == rows.end() || row->never_deployed() || !known_state(said.state) ||
            row->live_state == said.state)
            continue;
        row->live_state = said.state;
        row->live_detail.clear();
        FAIRLEAD_CHECK(repo.update_live(*row));
        FAIRLEAD_CHECK(publish(unit, scope, row->id));
    }
    return {};
}

} // namespace fairlead::environments
