#include "controller/environments/live_state.hpp"

#include "controller/environments/connector_token.hpp"
#include "controller/environments/credential_repo.hpp"
#include "controller/environments/release_info.hpp"
#include "controller/environments/variable_repo.hpp"
#include "controller/environments/view.hpp"
#include "controller/operations/operations.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::environments {

Result<>
LiveState::publish(store::UnitOfWork& unit, const api::OrgScope& scope, const EnvironmentId& id) {
    FAIRLEAD_TRY(row, EnvironmentRepo(unit.db(), scope).find(id));
    if (!row) return {};
    FAIRLEAD_TRY(news, environment_event(unit.db(), scope, *row));
    api::publish(unit, events_, {std::move(news)});
    return {};
}

void LiveState::publish(
    store::UnitOfWork& unit, const api::OrgScope& scope, const ProjectId& project,
    const Release& release
) {
    api::publish(unit, events_, {event(scope.org(), "release.updated", project, to_json(release))});
}

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
    if (operation.kind == proto::kind::deploy && spec.exposure == proto::Exposure::cloudflared) {
        FAIRLEAD_TRY(sealed, ConnectorTokenRepo(db, scope).sealed(environment));
        FAIRLEAD_CHECK(open(
            sealed, connector_token_context(environment), "The connector token",
            "connector:" + spec.id
        ));
    }
    return secrets;
}

Result<> LiveState::moved(
    store::UnitOfWork& unit, const api::OrgScope& scope, const operations::Operation& operation
) {
    // Whoever logs in does nothing to the environment.
    if (!operation.environment_id || proto::is_odoo_login(operation.kind)) return {};
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
    if (operation.kind == proto::kind::remove) return forget(unit, scope, environment);
    if (operation.kind == proto::kind::rollback) return rolled_back(unit, scope, environment, args);
    if (operation.kind == proto::kind::start || operation.kind == proto::kind::restart)
        environment.live_state = "running";
    else if (operation.kind == proto::kind::stop)
        environment.live_state = "stopped";
    else
        return {};
    environment.live_detail.clear();
    return put_live(unit, scope, environment);
}

Result<> LiveState::put_live(
    store::UnitOfWork& unit, const api::OrgScope& scope, const Environment& environment
) {
    EnvironmentRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(before, repo.get(environment.id));
    FAIRLEAD_CHECK(repo.update_live(environment));
    if (before.live_state == environment.live_state) return {};
    auto facts = told_of(environment);
    facts["status"] = environment.live_state.empty() ? "absent" : environment.live_state;
    return announcements_.announce(
        unit, scope, {"environment.status_changed", environment.id.str(), std::move(facts)}
    );
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
    publish(unit, scope, environment.project_id, *row);
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
        publish(unit, scope, environment.project_id, other);
    }
    release.state = ReleaseState::live;
    FAIRLEAD_CHECK(releases.put(release));
    publish(unit, scope, environment.project_id, release);
    environment.current_release = release.id;
    environment.live_state = "running";
    environment.live_detail.clear();
    // Nothing goes live with a connector that does not connect.
    auto spec = proto::read_text<proto::EnvironmentSpec>(release.spec);
    bool connects = spec && spec->exposure == proto::Exposure::cloudflared;
    environment.connector_state = connects ? "connected" : "";
    EnvironmentRepo repo(unit.db(), scope);
    FAIRLEAD_CHECK(repo.release_old_ports(environment));
    return put_live(unit, scope, environment);
}

Result<> LiveState::forget(
    store::UnitOfWork& unit, const api::OrgScope& scope, const Environment& environment
) {
    if (backing_) FAIRLEAD_CHECK(backing_->gone(unit, scope, environment));
    for (const auto& gone : gone_) FAIRLEAD_CHECK(gone(unit, scope, environment));
    FAIRLEAD_CHECK(VariableRepo(unit.db(), scope).remove_all(environment.id));
    FAIRLEAD_CHECK(ConnectorTokenRepo(unit.db(), scope).remove(environment.id));
    FAIRLEAD_CHECK(ReleaseRepo(unit.db(), scope).remove_all(environment.id));
    FAIRLEAD_CHECK(EnvironmentRepo(unit.db(), scope).remove(environment.id));
    api::publish(
        unit, events_,
        {gone(scope.org(), "environment.deleted", environment.project_id, environment.id.str())}
    );
    return announcements_.announce(
        unit, scope, {"environment.deleted", environment.id.str(), told_of(environment)}
    );
}

} // namespace fairlead::environments
