// What a server says by itself: whether it is there, what is on it, how that is.
#include "common/json/json.hpp"
#include "common/runtime/log.hpp"
#include "controller/environments/live_state.hpp"
#include "controller/environments/release_info.hpp"
#include "controller/environments/view.hpp"
#include "controller/operations/operations.hpp"
#include "controller/operations/repo.hpp"
#include "proto/codec.hpp"

#include <algorithm>
#include <set>

namespace fairlead::environments {
namespace {

constexpr std::size_t max_found = 500;    ///< environments that one server may name
constexpr std::size_t max_releases = 200; ///< of one environment
constexpr std::uint32_t max_number = 1'000'000'000;
constexpr std::int64_t removed_kept = 500; ///< releases of one environment

bool known_state(std::string_view state) {
    return state == "running" || state == "stopped" || state == "failed" || state == "starting";
}

bool known_connector(std::string_view state) {
    return state.empty() || state == "connected" || state == "disconnected";
}

} // namespace

Result<> LiveState::reachability_changed(
    store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server
) {
    FAIRLEAD_TRY(environments, EnvironmentRepo(unit.db(), scope).on_server(server));
    std::vector<api::Event> news;
    for (const auto& environment : environments) {
        FAIRLEAD_TRY(one, environment_event(unit.db(), scope, environment));
        news.push_back(std::move(one));
    }
    api::publish(unit, events_, std::move(news));
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
            // Only what could be one of ours is worth a row.
            if (EnvironmentId::parse(one.id))
                unknown.push_back(
                    {operations::cut(one.slug, 31), one.id, one.port, json::encode(one)}
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
            "a server holds environments that this controller does not know; the server's page "
            "lists them, and their names and ports stay taken",
            {{"server", server.str()}, {"count", unknown.size()}, {"first", unknown.front().slug}}
        );
    return repo.put_found(server, unknown);
}

Result<> LiveState::adopted(
    store::UnitOfWork& unit, const api::OrgScope& scope, const EnvironmentId& id,
    const proto::EnvironmentState& found
) {
    EnvironmentRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(row, repo.get(id));
    FAIRLEAD_CHECK(reconcile(unit, scope, row, found));
    if (!row.current_release || !found.spec) return {};
    // With it, pending_changes tells what the server has and this controller does not.
    ReleaseRepo releases(unit.db(), scope);
    FAIRLEAD_TRY(live, releases.get(id, *row.current_release));
    live.spec = proto::write_text(*found.spec);
    return releases.put(live);
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
        if (!id || info.number > max_number || !there.insert(*id).second) continue;
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
        publish(unit, scope, environment.project_id, release);
    }
    FAIRLEAD_TRY(present, releases.present_ones(environment.id));
    bool left = false;
    for (auto& release : present) {
        if (there.contains(release.id)) continue;
        left = true;
        release.state = ReleaseState::removed;
        release.has_database_snapshot = false;
        FAIRLEAD_CHECK(releases.put(release));
        publish(unit, scope, environment.project_id, release);
    }
    // A server can name other ones each time.
    if (left) FAIRLEAD_CHECK(releases.forget_removed(environment.id, removed_kept));
    bool backup_changed =
        take_backup_state(environment, found.backup.value_or(proto::BackupState()));
    if (backup_changed)
        FAIRLEAD_CHECK(EnvironmentRepo(unit.db(), scope).update_backup(environment));
    bool changed = environment.live_state != before.live_state ||
                   environment.live_detail != before.live_detail ||
                   environment.current_release != before.current_release ||
                   environment.next_release != before.next_release;
    if (changed) FAIRLEAD_CHECK(put_live(unit, scope, environment));
    return changed || backup_changed;
}

bool LiveState::take_backup_state(Environment& environment, const proto::BackupState& said) {
    auto time = [](std::int64_t ms) {
        constexpr std::int64_t latest = 253402300799999; // the year 9999
        return ms > 0 && ms <= latest ? std::optional(from_ms(ms)) : std::nullopt;
    };
    auto before = environment;
    auto storage = StorageId::parse(said.storage_id);
    environment.backup_storage = storage ? storage->str() : std::string();
    environment.backup_recipient = operations::cut(said.recipient, 100);
    environment.next_backup_ms = time(said.next_backup_ms);
    environment.next_drill_ms = time(said.next_drill_ms);
    return environment.backup_storage != before.backup_storage ||
           environment.backup_recipient != before.backup_recipient ||
           environment.next_backup_ms != before.next_backup_ms ||
           environment.next_drill_ms != before.next_drill_ms;
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
    environment.connector_state.clear();
    environment.current_release.reset();
    ReleaseRepo releases(unit.db(), scope);
    FAIRLEAD_TRY(present, releases.present_ones(environment.id));
    for (auto& release : present) {
        release.state = ReleaseState::removed;
        release.has_database_snapshot = false;
        FAIRLEAD_CHECK(releases.put(release));
        publish(unit, scope, environment.project_id, release);
    }
    FAIRLEAD_CHECK(put_live(unit, scope, environment));
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
        if (row == rows.end() || row->never_deployed() || !known_state(said.state)) continue;
        auto connector =
            known_connector(said.connector) ? said.connector : std::string("disconnected");
        if (row->live_state == said.state && row->connector_state == connector) continue;
        if (row->live_state != said.state) row->live_detail.clear();
        row->live_state = said.state;
        row->connector_state = connector;
        FAIRLEAD_CHECK(put_live(unit, scope, *row));
        FAIRLEAD_CHECK(publish(unit, scope, row->id));
    }
    return {};
}

} // namespace fairlead::environments
