// What servers answer, and what it makes of storages, backups and environments' pages.
#include "common/json/json.hpp"
#include "common/runtime/log.hpp"
#include "controller/backups/backups.hpp"
#include "controller/backups/view.hpp"
#include "controller/environments/view.hpp"
#include "controller/operations/view.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

namespace fairlead::backups {
namespace {

using operations::cut;
using proto::Outcome;

/// How many ids of removed backups one result may name.
constexpr std::size_t max_removed = 1000;
/// How many of them their audit entry names.
constexpr std::size_t max_named = 50;
constexpr std::size_t max_opened_by = 20;

std::int64_t counted(std::uint64_t value) {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(value, INT64_MAX));
}

/// The server's word, cut to size.
void take_over(Backup& row, const proto::BackupInfo& info, Timestamp now) {
    auto time = [&](std::int64_t ms) {
        return from_ms(std::clamp<std::int64_t>(ms, 0, to_ms(now)));
    };
    row.state = BackupState::succeeded;
    row.error_code.clear();
    row.error_message.clear();
    row.odoo_version = cut(info.odoo_version, 16);
    row.release_number = info.release;
    row.postgresql_version = cut(info.postgresql_version, 40);
    row.database_bytes = counted(info.database_bytes);
    row.dump_bytes = counted(info.dump_bytes);
    row.files = counted(info.files);
    row.file_bytes = counted(info.file_bytes);
    row.packed_bytes = counted(info.packed_bytes);
    row.sent_bytes = counted(info.sent_bytes);
    row.missing_files = counted(info.missing_files);
    std::vector<std::string> recipients;
    for (const auto& one : info.recipients)
        if (recipients.size() < max_opened_by) recipients.push_back(cut(one, 100));
    row.recipients = json::encode(recipients);
    if (info.started_at_ms > 0) row.started_ms = time(info.started_at_ms);
    if (info.finished_at_ms > 0)
        row.finished_ms = std::max(time(info.finished_at_ms), row.started_ms);
}

proto::OperationError reason(const proto::Finished& finished) {
    if (finished.error) return *finished.error;
    switch (finished.outcome) {
    case Outcome::cancelled:
        return {"cancelled", "It was cancelled.", ""};
    case Outcome::expired:
        return {"expired", "It never reached its server.", ""};
    default:
        return {"no_backup_reported", "Its operation ended without a word of the backup.", ""};
    }
}

/// What programs outside are told of it.
boost::json::object told_of(const Backup& backup) {
    return {
        {"backup_id", backup.id.str()},
        {"kind", json::enum_name(backup.kind)},
        {"operation_id", backup.operation_id.str()},
        {"environment_id", backup.environment_id.str()},
        {"environment_name", backup.environment_name},
        {"project_id", backup.project_id.str()},
        {"server_id", backup.server_id.str()},
        {"storage_id", backup.storage_id.str()}};
}

bool ran(Outcome outcome) {
    return outcome == Outcome::succeeded || outcome == Outcome::failed;
}

} // namespace

Result<> Backups::publish(Unit& unit, const Scope& scope, const EnvironmentId& id) {
    FAIRLEAD_TRY(row, environments::EnvironmentRepo(unit.db(), scope).find(id));
    if (!row) return {};
    FAIRLEAD_TRY(news, environments::environment_event(unit.db(), scope, *row));
    api::publish(unit, parts_.events, {std::move(news)});
    return {};
}

Result<> Backups::refresh(Unit& unit, const Scope& scope, const EnvironmentId& id) {
    environments::EnvironmentRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(row, repo.find(id));
    if (!row) return {};
    FAIRLEAD_TRY(policy, PolicyRepo(unit.db(), scope).get(id));
    FAIRLEAD_TRY(newest, BackupRepo(unit.db(), scope).newest(id));
    row->backup_enabled = policy.storage_id.has_value();
    row->last_backup_ms = newest.backup;
    // Rows of removed backups are forgotten some day; that they were restored is not.
    if (newest.restored) row->last_restored_ms = std::max(row->last_restored_ms, newest.restored);
    FAIRLEAD_CHECK(repo.update_backup(*row));
    return publish(unit, scope, id);
}

Result<> Backups::put(Unit& unit, const Scope& scope, const Backup& backup) {
    FAIRLEAD_CHECK(BackupRepo(unit.db(), scope).update(backup));
    api::publish(unit, parts_.events, {event(scope.org(), backup)});
    return refresh(unit, scope, backup.environment_id);
}

Result<> Backups::finished(
    Unit& unit, const Scope& scope, const Operation& operation, const std::string& args,
    const proto::Finished& finished
) {
    if (operation.kind == proto::kind::storage_test)
        return storage_tested(unit, scope, operation, args, finished);
    FAIRLEAD_CHECK(settle(unit, scope, operation, finished));
    if (operation.kind == proto::kind::backup_delete)
        return deleted(unit, scope, operation, args, finished);
    if (operation.environment_id)
        FAIRLEAD_CHECK(removed(
            unit, scope, operation, *operation.environment_id, finished.result.removed_backups
        ));
    if (operation.environment_id && finished.result.stored)
        FAIRLEAD_CHECK(
            missing(unit, scope, operation, *operation.environment_id, *finished.result.stored)
        );
    if (operation.kind == proto::kind::drill)
        return drilled(unit, scope, operation, args, finished);
    if (finished.outcome != Outcome::succeeded) return {};
    if (operation.kind == proto::kind::restore) return restored(unit, scope, operation, args);
    if (!operation.environment_id) return {};
    environments::EnvironmentRepo environments(unit.db(), scope);
    FAIRLEAD_TRY(environment, environments.find(*operation.environment_id));
    if (!environment) return {};
    if (operation.kind == proto::kind::backup_configure) {
        FAIRLEAD_TRY(configured, proto::read_text<proto::BackupConfigureArgs>(args));
        environment->backup_storage = configured.settings ? configured.settings->storage.id : "";
        return environments.update_backup(*environment);
    }
    if (operation.kind != proto::kind::deploy) return {};
    // A policy that was set before there was anything on the server.
    FAIRLEAD_TRY(policy, PolicyRepo(unit.db(), scope).get(environment->id));
    if (!policy.storage_id || policy.operation_id) return {};
    auto told = tell(unit, scope, Actor(), *environment);
    // A full queue is no reason to refuse the report, which would come again and again. The policy
    // stays not told, and the next deployment tries anew.
    if (!told && told.error().kind() == Errc::rate_limited) {
        log::warning(
            "a server is not told its backup policy: too much waits for it. Let it come back or "
            "cancel some, then store the policy again",
            {{"server", environment->server_id.str()}, {"environment", environment->id.str()}}
        );
        return {};
    }
    FAIRLEAD_CHECK(std::move(told));
    return {};
}

Result<> Backups::storage_tested(
    Unit& unit, const Scope& scope, const Operation& operation, const std::string& args,
    const proto::Finished& finished
) {
    if (!ran(finished.outcome)) return {};
    FAIRLEAD_TRY(test, proto::read_text<proto::StorageTestArgs>(args));
    StorageRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(row, repo.find(StorageId::trusted(test.storage.id)));
    // A newer test was asked for, or the storage is another one now.
    if (!row || row->test_operation != operation.id) return {};
    std::vector<proto::Check> checks;
    if (finished.result.preflight) checks = finished.result.preflight->checks;
    if (checks.empty() && finished.error) {
        proto::Check failed;
        failed.id = finished.error->code;
        failed.title = "Test from the server";
        failed.result = proto::CheckResult::failed;
        failed.value = finished.error->message;
        checks.push_back(std::move(failed));
    }
    // The operation succeeds when it found out: what it found is in the checks.
    bool refused = std::ranges::any_of(checks, [](const proto::Check& check) {
        return check.result == proto::CheckResult::failed;
    });
    bool works = finished.outcome == Outcome::succeeded && !checks.empty() && !refused;
    row->state = works ? StorageState::working : StorageState::failed;
    row->checks = boost::json::serialize(operations::to_json(checks));
    row->tested_ms = operation.finished_ms;
    row->tested_on = operation.server_id;
    FAIRLEAD_CHECK(repo.update(*row));
    api::publish(unit, parts_.events, {event(scope.org(), *row)});
    return {};
}

Result<> Backups::settle(
    Unit& unit, const Scope& scope, const Operation& operation, const proto::Finished& finished
) {
    FAIRLEAD_TRY(rows, BackupRepo(unit.db(), scope).of_operation(operation.id));
    for (auto& row : rows) {
        if (row.state == BackupState::removed) continue;
        row.finished_ms = operation.finished_ms;
        // What comes behind the backup may have failed without it.
        if (finished.result.backup && finished.result.backup->id == row.id.str()) {
            take_over(row, *finished.result.backup, parts_.clock.now());
        } else {
            auto error = reason(finished);
            row.state = BackupState::failed;
            row.error_code = error.code.empty() ? "failed" : cut(error.code, 64);
            row.error_message = cut(error.message, 2000);
        }
        FAIRLEAD_CHECK(put(unit, scope, row));
        bool succeeded = row.state == BackupState::succeeded;
        auto facts = told_of(row);
        facts["error"] = succeeded ? boost::json::value(nullptr)
                                   : boost::json::value({{"code", row.error_code}});
        FAIRLEAD_CHECK(announcements_.announce(
            unit, scope,
            {succeeded ? "backup.succeeded" : "backup.failed", row.id.str(), std::move(facts)}
        ));
    }
    return {};
}

Result<> Backups::deleted(
    Unit& unit, const Scope& scope, const Operation& operation, const std::string& args,
    const proto::Finished& finished
) {
    FAIRLEAD_TRY(asked, proto::read_text<proto::BackupDeleteArgs>(args));
    // The environment may be gone by now.
    auto environment = EnvironmentId::parse(asked.backup.environment_id);
    if (!environment) return {};
    auto ids = finished.result.removed_backups;
    if (finished.outcome == Outcome::succeeded) ids.insert(ids.begin(), asked.backup.id);
    return removed(unit, scope, operation, *environment, ids);
}

Result<> Backups::removed(
    Unit& unit, const Scope& scope, const Operation& operation, const EnvironmentId& environment,
    const std::vector<std::string>& ids
) {
    std::vector<Backup> rows;
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < ids.size() && i < max_removed; ++i) {
        auto id = BackupId::parse(ids[i]);
        if (!id || !seen.insert(ids[i]).second) continue;
        FAIRLEAD_TRY(row, BackupRepo(unit.db(), scope).find(*id));
        if (row && row->environment_id == environment && row->state != BackupState::removed)
            rows.push_back(std::move(*row));
    }
    return gone(unit, scope, operation, environment, std::move(rows), "backup.removed");
}

Result<> Backups::missing(
    Unit& unit, const Scope& scope, const Operation& operation, const EnvironmentId& environment,
    const proto::StoredBackups& stored
) {
    auto storage = StorageId::parse(stored.storage_id);
    if (!storage) return {};
    FAIRLEAD_TRY(rows, BackupRepo(unit.db(), scope).stored(environment, *storage));
    std::set<std::string_view> there(stored.ids.begin(), stored.ids.end());
    std::erase_if(rows, [&](const Backup& row) { return there.contains(row.id.str()); });
    return gone(unit, scope, operation, environment, std::move(rows), "backup.missing");
}

Result<> Backups::gone(
    Unit& unit, const Scope& scope, const Operation& operation, const EnvironmentId& environment,
    std::vector<Backup> rows, std::string action
) {
    // A server speaks for its own backups only.
    std::erase_if(rows, [&](const Backup& row) { return row.server_id != operation.server_id; });
    if (rows.empty()) return {};
    std::vector<api::Event> news;
    boost::json::array named;
    for (auto& row : rows) {
        row.state = BackupState::removed;
        row.removed_ms = operation.finished_ms;
        if (!row.finished_ms) row.finished_ms = operation.finished_ms;
        FAIRLEAD_CHECK(BackupRepo(unit.db(), scope).update(row));
        news.push_back(event(scope.org(), row));
        if (named.size() < max_named) named.emplace_back(row.id.str());
    }
    Actor server;
    server.kind = Actor::Kind::server;
    server.id = server.label = operation.server_id.str();
    api::Act act;
    act.action = std::move(action);
    act.target_type = "environment";
    act.target_id = environment.str();
    act.target_name = rows.back().environment_name;
    act.after = boost::json::object{
        {"operation_id", operation.id.str()},
        {"count", news.size()},
        {"backup_ids", std::move(named)}};
    parts_.audit.record(unit, scope, server, std::move(act));
    api::publish(unit, parts_.events, std::move(news));
    return refresh(unit, scope, environment);
}

Result<> Backups::drilled(
    Unit& unit, const Scope& scope, const Operation& operation, const std::string& args,
    const proto::Finished& finished
) {
    if (!ran(finished.outcome) || !operation.environment_id) return {};
    FAIRLEAD_TRY(asked, proto::read_text<proto::DrillArgs>(args));
    auto report = finished.result.drill.value_or(proto::DrillReport());
    bool passed = finished.outcome == Outcome::succeeded &&
                  std::ranges::none_of(report.checks, [](const auto& check) {
                      return check.result == proto::CheckResult::failed;
                  });

    environments::EnvironmentRepo environments(unit.db(), scope);
    FAIRLEAD_TRY(environment, environments.find(*operation.environment_id));
    if (environment) {
        environment->last_drill_ms = operation.finished_ms;
        environment->last_drill_passed = passed;
        FAIRLEAD_CHECK(environments.update_backup(*environment));
    }
    auto id = BackupId::parse(report.backup_id.empty() ? asked.backup.id : report.backup_id);
    FAIRLEAD_CHECK(announcements_.announce(
        unit, scope,
        {passed ? "drill.succeeded" : "drill.failed",
         operation.id.str(),
         {{"operation_id", operation.id.str()},
          {"backup_id", id ? boost::json::value(id->str()) : boost::json::value(nullptr)},
          {"environment_id", operation.environment_id->str()},
          {"environment_name", operation.target_name},
          {"server_id", operation.server_id.str()},
          {"error", passed ? boost::json::value(nullptr)
                           : boost::json::value(
                                 {{"code", finished.error ? operation.error_code : "check_failed"}}
                             )}}}
    ));
    std::optional<Backup> row;
    if (id) {
        FAIRLEAD_TRY(found, BackupRepo(unit.db(), scope).find(*id));
        row = std::move(found);
    }
    if (!row || row->server_id != operation.server_id ||
        row->environment_id != *operation.environment_id)
        return publish(unit, scope, *operation.environment_id);
    boost::json::object drill{
        {"at", to_rfc3339(operation.finished_ms.value_or(parts_.clock.now()))},
        {"passed", passed},
        {"restore_ms", report.restore_ms ? boost::json::value(counted(report.restore_ms))
                                         : boost::json::value(nullptr)},
        {"checks", operations::to_json(report.checks)},
        {"operation_id", operation.id.str()}};
    row->last_drill = boost::json::serialize(drill);
    if (passed) row->last_restored_ms = std::max(row->last_restored_ms, operation.finished_ms);
    return put(unit, scope, *row);
}

Result<> Backups::restored(
    Unit& unit, const Scope& scope, const Operation& operation, const std::string& args
) {
    FAIRLEAD_TRY(asked, proto::read_text<proto::RestoreArgs>(args));
    auto id = BackupId::parse(asked.backup.id);
    if (!id) return {};
    FAIRLEAD_TRY(row, BackupRepo(unit.db(), scope).find(*id));
    // A server speaks for its own backups only, and for one that it was asked to restore from here.
    bool asked_here = operations::begun_here(operation.origin);
    if (!row || (row->server_id != operation.server_id && !asked_here)) return {};
    row->last_restored_ms = std::max(row->last_restored_ms, operation.finished_ms);
    return put(unit, scope, *row);
}

} // namespace fairlead::backups
