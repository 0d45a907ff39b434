#include "controller/backups/view.hpp"

#include "common/json/json.hpp"
#include "controller/api/nullable.hpp"

namespace fairlead::backups {
namespace {

using boost::json::object;
using boost::json::value;

template <class IdType>
value id_or_null(const std::optional<IdType>& id) {
    return id ? value(id->str()) : value(nullptr);
}
value user(const std::optional<UserId>& id, const std::string& email) {
    return id ? value(object{{"id", id->str()}, {"email", email}}) : value(nullptr);
}

} // namespace

object to_json(const Storage& s) {
    return {
        {"id", s.id.str()},
        {"name", s.name},
        {"provider", json::enum_name(s.provider)},
        {"endpoint", s.endpoint},
        {"region", s.region},
        {"bucket", s.bucket},
        {"prefix", s.prefix},
        {"addressing", json::enum_name(s.addressing)},
        {"access_key", s.access_key},
        {"has_session_token", s.has_session_token},
        {"ca", api::text_or_null(s.ca)},
        {"object_lock", json::enum_name(s.object_lock)},
        {"object_lock_days", s.object_lock_days},
        {"state", json::enum_name(s.state)},
        {"checks", boost::json::parse(s.checks)},
        {"tested_at", api::time_or_null(s.tested_ms)},
        {"tested_on", id_or_null(s.tested_on)},
        {"test_operation_id", id_or_null(s.test_operation)},
        {"environments", s.environments},
        {"backups", s.backups},
        {"created_at", to_rfc3339(s.created_ms)},
        {"created_by", user(s.created_by, s.created_by_email)}};
}

object to_json(const Backup& b) {
    return {
        {"id", b.id.str()},
        {"environment",
         {{"id", b.environment_id.str()},
          {"name", b.environment_name},
          {"exists", b.environment_exists}}},
        {"project_id", b.project_id.str()},
        {"server_id", b.server_id.str()},
        {"storage", {{"id", b.storage_id.str()}, {"name", b.storage_name}}},
        {"kind", json::enum_name(b.kind)},
        {"state", json::enum_name(b.state)},
        {"odoo_version", api::text_or_null(b.odoo_version)},
        {"release", b.release_number ? value(b.release_number) : value(nullptr)},
        {"postgresql_version", api::text_or_null(b.postgresql_version)},
        {"database_bytes", b.database_bytes},
        {"dump_bytes", b.dump_bytes},
        {"files", b.files},
        {"file_bytes", b.file_bytes},
        {"packed_bytes", b.packed_bytes},
        {"sent_bytes", b.sent_bytes},
        {"missing_files", b.missing_files},
        {"recipients", boost::json::parse(b.recipients)},
        {"started_at", to_rfc3339(b.started_ms)},
        {"finished_at", api::time_or_null(b.finished_ms)},
        {"removed_at", api::time_or_null(b.removed_ms)},
        {"operation_id", b.operation_id.str()},
        {"error", api::error_or_null(b.error_code, b.error_message)},
        {"last_restored_at", api::time_or_null(b.last_restored_ms)},
        {"last_drill", b.last_drill ? boost::json::parse(*b.last_drill) : value(nullptr)}};
}

object to_json(const Copy& c, const std::vector<CopyStep>& steps) {
    boost::json::array list;
    for (const auto& step : steps)
        list.push_back(object{
            {"kind", step.kind},
            {"server_id", step.server_id.str()},
            {"operation_id", id_or_null(step.operation_id)},
            {"state", api::text_or_null(step.state)}});
    return {
        {"id", c.id.str()},
        {"source", {{"id", c.source_id.str()}, {"name", c.source_name}}},
        {"target",
         {{"id", c.target_id.str()}, {"name", c.target_name}, {"made_for_it", c.new_target}}},
        {"project_id", c.project_id.str()},
        {"backup_id", id_or_null(c.backup_id)},
        {"state", json::enum_name(c.state)},
        {"operations", std::move(list)},
        {"error", api::error_or_null(c.error_code, c.error_message)},
        {"created_at", to_rfc3339(c.created_ms)},
        {"finished_at", api::time_or_null(c.finished_ms)}};
}

proto::Retention retention_of(const Policy& policy) {
    return json::decode<proto::Retention>(policy.retention, json::Strictness::lenient)
        .value_or(proto::Retention());
}

object to_json(const Policy& p, const environments::Environment& e) {
    auto wanted = p.storage_id ? p.storage_id->str() : std::string();
    return {
        {"storage_id", id_or_null(p.storage_id)},
        {"schedule", p.schedule},
        {"drill_schedule", p.drill_schedule},
        {"time_zone", p.time_zone},
        {"retention", json::to_value(retention_of(p))},
        {"in_sync", wanted == e.backup_storage},
        {"server",
         {{"storage_id", api::text_or_null(e.backup_storage)},
          {"recipient", api::text_or_null(e.backup_recipient)},
          {"next_backup_at", api::time_or_null(e.next_backup_ms)},
          {"next_drill_at", api::time_or_null(e.next_drill_ms)}}},
        {"operation_id", id_or_null(p.operation_id)},
        {"updated_at", api::time_or_null(p.updated_ms)},
        {"updated_by", user(p.updated_by, p.updated_by_email)}};
}

object to_json(const std::vector<Recipient>& recipients, const std::optional<SettingsMark>& mark) {
    object body{
        {"recovery_recipients", json::to_value(recipients)},
        {"updated_at", nullptr},
        {"updated_by", nullptr}};
    if (mark) {
        body["updated_at"] = to_rfc3339(mark->updated_ms);
        body["updated_by"] = user(mark->updated_by, mark->updated_by_email);
    }
    return body;
}

object audit_facts(const Storage& s) {
    return {
        {"name", s.name},
        {"provider", json::enum_name(s.provider)},
        {"endpoint", s.endpoint},
        {"region", s.region},
        {"bucket", s.bucket},
        {"prefix", s.prefix},
        {"addressing", json::enum_name(s.addressing)},
        {"access_key", s.access_key},
        {"has_session_token", s.has_session_token},
        {"private_ca", !s.ca.empty()},
        {"object_lock", json::enum_name(s.object_lock)},
        {"object_lock_days", s.object_lock_days}};
}

object audit_facts(const Policy& p) {
    return {
        {"storage_id", id_or_null(p.storage_id)},
        {"schedule", p.schedule},
        {"drill_schedule", p.drill_schedule},
        {"time_zone", p.time_zone},
        {"retention", json::to_value(retention_of(p))}};
}

api::Event event(const OrgId& org, const Storage& storage) {
    auto shown = to_json(storage);
    // It counts things of all projects, so it is not for readers who are limited to some.
    return {org,   "storage.updated", boost::json::serialize(shown), "storages.view", std::nullopt,
            false, std::string()};
}

api::Event event(const OrgId& org, const Backup& backup) {
    auto shown = to_json(backup);
    return {
        org,   "backup.updated",       boost::json::serialize(shown), "backups.view", std::nullopt,
        false, backup.project_id.str()};
}

api::Event event(const OrgId& org, const Copy& copy, const std::vector<CopyStep>& steps) {
    auto shown = to_json(copy, steps);
    return {org,          "copy.updated", boost::json::serialize(shown), "backups.view",
            std::nullopt, false,          copy.project_id.str()};
}

api::Event gone(const OrgId& org, const StorageId& storage) {
    object shown{{"id", storage.str()}};
    return {org,  "storage.deleted", boost::json::serialize(shown), "storages.view", std::nullopt,
            false};
}

api::Event gone(const OrgId& org, const Backup& backup) {
    object shown{{"id", backup.id.str()}};
    return {
        org,   "backup.deleted",       boost::json::serialize(shown), "backups.view", std::nullopt,
        false, backup.project_id.str()};
}

} // namespace fairlead::backups
