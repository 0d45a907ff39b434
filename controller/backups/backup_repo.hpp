/// The SQL of backups.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"
#include "proto/operations.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <vector>

namespace fairlead::backups {

BOOST_DEFINE_ENUM_CLASS(BackupState, running, succeeded, failed, removed)

/// A row, and whether its environment is still there.
struct Backup {
    BackupId id;
    EnvironmentId environment_id;
    std::string environment_name;
    std::string environment_slug;
    proto::EnvironmentType environment_type = proto::EnvironmentType::development;
    ProjectId project_id;
    ServerId server_id; ///< that made it, and holds the key that opens it
    StorageId storage_id;
    std::string storage_name;
    proto::BackupKind kind = proto::BackupKind::manual;
    BackupState state = BackupState::running;
    OperationId operation_id;
    std::string odoo_version;
    std::uint32_t release_number = 0;
    std::string postgresql_version;
    std::int64_t database_bytes = 0;
    std::int64_t dump_bytes = 0;
    std::int64_t files = 0;
    std::int64_t file_bytes = 0;
    std::int64_t packed_bytes = 0;
    std::int64_t sent_bytes = 0;
    std::int64_t missing_files = 0;
    std::string recipients = "[]"; ///< JSON
    Timestamp started_ms;
    std::optional<Timestamp> finished_ms;
    std::optional<Timestamp> removed_ms;
    std::string error_code;
    std::string error_message;
    std::optional<Timestamp> last_restored_ms;
    std::optional<std::string> last_drill; ///< JSON as the API shows it
    bool environment_exists = false;
};
BOOST_DESCRIBE_STRUCT(
    Backup, (),
    (id, environment_id, environment_name, environment_slug, environment_type, project_id,
     server_id, storage_id, storage_name, kind, state, operation_id, odoo_version, release_number,
     postgresql_version, database_bytes, dump_bytes, files, file_bytes, packed_bytes, sent_bytes,
     missing_files, recipients, started_ms, finished_ms, removed_ms, error_code, error_message,
     last_restored_ms, last_drill, environment_exists)
)

struct BackupFilter {
    std::string environment;
    std::string storage;
    std::string state;
    std::string below; ///< an id: older ones
    std::int64_t limit = 50;
};

/// What an environment's page says of its backups.
struct Newest {
    std::optional<Timestamp> backup;   ///< the end of the newest good one
    std::optional<Timestamp> restored; ///< when one of them was last restored
};
BOOST_DESCRIBE_STRUCT(Newest, (), (backup, restored))

/// A scope with a limit to projects sees the backups of their environments, also after those are
/// gone.
class BackupRepo {
public:
    BackupRepo(store::Connection& db, const api::OrgScope& scope)
        : db_(db), org_(scope.org()), limit_(scope.limit()) {}

    /// False when the id is taken.
    Result<bool> insert(const Backup& backup);
    Result<Backup> get(const BackupId& id);
    Result<std::optional<Backup>> find(const BackupId& id);
    Result<std::vector<Backup>> list(const BackupFilter& filter);
    Result<std::vector<Backup>> of_operation(const OperationId& operation);
    /// Succeeded ones that are to be in that storage.
    Result<std::vector<Backup>> stored(const EnvironmentId& environment, const StorageId& storage);
    Result<std::optional<Backup>> newest_good(const EnvironmentId& environment);
    Result<Newest> newest(const EnvironmentId& environment);
    /// Everything of it that can change.
    Result<> update(const Backup& backup);
    Result<> remove(const BackupId& id);
    /// How many went.
    Result<std::int64_t> remove_of_storage(const StorageId& storage);

private:
    store::Connection& db_;
    OrgId org_;
    std::string limit_;
};

/// Drops the rows of backups that failed or were removed before `before`, of every organization; at
/// most 1000 at a time.
Result<> forget_backups(store::Connection& db, Timestamp before);

} // namespace fairlead::backups
