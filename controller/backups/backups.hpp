/// What people may do with backups: the rules between a request and an operation, and what becomes
/// of what servers answer.
#pragma once

#include "common/crypto/keystore.hpp"
#include "controller/api/announcer.hpp"
#include "controller/api/audit_log.hpp"
#include "controller/api/change.hpp"
#include "controller/api/events.hpp"
#include "controller/backups/backup_repo.hpp"
#include "controller/backups/policy_repo.hpp"
#include "controller/backups/storage_repo.hpp"
#include "controller/environments/backing.hpp"
#include "controller/operations/effects.hpp"
#include "controller/operations/operations.hpp"

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace fairlead::backups {

inline constexpr std::int64_t max_storages = 50;

struct RestoreRequest {
    proto::RestoreParts parts = proto::RestoreParts::both;
    bool neutralise = false;
    std::vector<proto::PersonalData> mask;
    bool safety_backup = true;
    std::string note;
};

struct CloneRequest {
    bool neutralise = true;
    std::vector<proto::PersonalData> mask;
    bool safety_backup = true;
    std::string note;
};

/// Thread-safe; everything it knows is in the store. All run inside the caller's transaction. Hand
/// it to Operations::use, behind LiveState, to LiveState::use and to Environments::use.
class Backups final : public operations::Effects, public environments::Backing {
public:
    struct Parts {
        store::Store& store;
        api::EventSink& events;
        api::AuditLog& audit;
        operations::Operations& operations;
        const crypto::Keystore& keys;
        const Clock& clock;
    };
    explicit Backups(const Parts& parts) : parts_(parts) {}
    /// Before anything else is called; without it nobody outside hears of anything.
    void use(api::Announcer& announcer) { announcements_.use(announcer); }
    const Parts& parts() const { return parts_; }
    api::Desk desk() const { return {parts_.store, parts_.audit, parts_.events}; }

    using Unit = store::UnitOfWork;
    using Scope = api::OrgScope;
    using Actor = api::Actor;
    using Environment = environments::Environment;
    using Operation = operations::Operation;

    // ---- storages and policies ----

    /// Asks the server to try the storage out, and remembers in `storage` that it did.
    /// Errc::not_found, Errc::conflict (server_revoked).
    Result<Operation> test(
        Unit& unit, const Scope& scope, const Actor& actor, Storage& storage, const ServerId& server
    );
    /// Stores the policy and tells the server, which may be later: see `tell`. Errc::not_found for
    /// a storage that is not of this organization.
    Result<Policy> set_policy(
        Unit& unit, const Scope& scope, const Actor& actor, const Environment& environment,
        Policy policy
    );
    /// Tells the server what to go by; what was asked before and is not on its way is taken back.
    /// Nothing where the server has nothing of the environment yet, or is revoked.
    Result<std::optional<Operation>>
    tell(Unit& unit, const Scope& scope, const Actor& actor, const Environment& environment);
    /// The same for every environment whose policy has this storage, any storage where it is "".
    Result<> tell_all(Unit& unit, const Scope& scope, const Actor& actor, std::string_view storage);

    // ---- backups ----

    /// Errc::conflict: no_storage, not_deployed, server_revoked, operation_in_progress.
    Result<Operation> create(
        Unit& unit, const Scope& scope, const Actor& actor, const Environment& environment,
        std::string note
    );
    /// Nothing where only the row had to go. Errc::conflict: backup_running, storage_gone,
    /// storage_not_chosen, server_revoked, operation_in_progress.
    Result<std::optional<Operation>>
    remove(Unit& unit, const Scope& scope, const Actor& actor, const Backup& backup);
    /// Whoever may replace the data of `target`, and whether copying is allowed, was asked before;
    /// on another server than the backup's, a grant comes before it (Copies). Errc::conflict:
    /// backup_not_whole, storage_gone, storage_not_chosen, not_deployed, server_revoked,
    /// operation_in_progress.
    Result<Operation> restore(
        Unit& unit, const Scope& scope, const Actor& actor, const Backup& backup,
        const Environment& target, const RestoreRequest& request
    );
    /// What a server must know of a backup that is to be read. Errc::conflict: storage_gone,
    /// storage_not_chosen.
    Result<proto::BackupRef>
    reference(store::Connection& db, const Scope& scope, const Backup& backup);
    /// Asks the environment's server for the public half of its key. Errc::conflict: not_deployed,
    /// server_revoked.
    Result<Operation>
    recipient(Unit& unit, const Scope& scope, const Actor& actor, const Environment& environment);
    /// Asks the server that made the backup to let `recipient`, which is `target`'s, open it.
    /// Errc::conflict: backup_not_whole, storage_gone, storage_not_chosen.
    Result<Operation> grant(
        Unit& unit, const Scope& scope, const Actor& actor, const Backup& backup,
        const std::string& recipient, const Environment& target
    );
    /// Errc::conflict: backup_not_whole, environment_gone, storage_gone, storage_not_chosen,
    /// not_deployed, server_revoked.
    Result<Operation>
    drill(Unit& unit, const Scope& scope, const Actor& actor, const Backup& backup);
    /// Of the newest good backup; also no_backup.
    Result<Operation>
    drill(Unit& unit, const Scope& scope, const Actor& actor, const Environment& environment);
    /// As restore; both stand on one server. Errc::conflict: same_environment, no_storage,
    /// not_deployed, server_revoked, operation_in_progress.
    Result<Operation> clone(
        Unit& unit, const Scope& scope, const Actor& actor, const Environment& source,
        const Environment& target, const CloneRequest& request
    );

    /// Rows of backups that failed or are gone are kept so long.
    static constexpr auto kept = std::chrono::hours(24 * 90);
    Result<> tidy(Timestamp now);

    // ---- environments::Backing ----

    Result<std::optional<proto::BackupArgs>> plan(
        Unit& unit, const Scope& scope, const Environment& environment, proto::BackupKind kind
    ) override;
    Result<> begun(
        Unit& unit, const Scope& scope, const Environment& environment, const Operation& operation,
        const proto::BackupArgs& backup
    ) override;
    Result<> gone(Unit& unit, const Scope& scope, const Environment& environment) override;

    // ---- operations::Effects ----

    Result<std::map<std::string, std::string>> secrets(
        store::Connection& db, const Scope& scope, const Operation& operation,
        const std::string& args
    ) override;
    Result<> moved(Unit&, const Scope&, const Operation&) override { return {}; }
    Result<> finished(
        Unit& unit, const Scope& scope, const Operation& operation, const std::string& args,
        const proto::Finished& finished
    ) override;
    Result<std::optional<operations::NewOperation>>
    born(Unit& unit, const Scope& scope, const ServerId& server, const proto::Born& born) override;
    Result<> taken_over(
        Unit& unit, const Scope& scope, const Operation& operation, const std::string& args
    ) override;

private:
    Result<Operation>
    ask(Unit& unit, const Scope& scope, const Actor& actor, const Environment& environment,
        operations::NewOperation wanted);
    /// Args of a backup of `environment` into `storage`.
    Result<proto::BackupArgs> backup_args(
        store::Connection& db, const Scope& scope, const Environment& environment,
        const Policy& policy, const StorageId& storage, proto::BackupKind kind
    );
    Result<> storage_tested(
        Unit& unit, const Scope& scope, const Operation& operation, const std::string& args,
        const proto::Finished& finished
    );
    Result<> settle(
        Unit& unit, const Scope& scope, const Operation& operation, const proto::Finished& finished
    );
    /// What the server removed of the environment's backups, with one audit entry for all.
    Result<> removed(
        Unit& unit, const Scope& scope, const Operation& operation,
        const EnvironmentId& environment, const std::vector<std::string>& ids
    );
    /// What is listed and is not in the bucket any more: retention that was cut off before it could
    /// tell, a rule of the bucket, or somebody with its keys.
    Result<> missing(
        Unit& unit, const Scope& scope, const Operation& operation,
        const EnvironmentId& environment, const proto::StoredBackups& stored
    );
    /// Those rows that are of the server which reports, shown as removed, with one audit entry.
    Result<> gone(
        Unit& unit, const Scope& scope, const Operation& operation,
        const EnvironmentId& environment, std::vector<Backup> rows, std::string action
    );
    Result<> deleted(
        Unit& unit, const Scope& scope, const Operation& operation, const std::string& args,
        const proto::Finished& finished
    );
    Result<> drilled(
        Unit& unit, const Scope& scope, const Operation& operation, const std::string& args,
        const proto::Finished& finished
    );
    Result<>
    restored(Unit& unit, const Scope& scope, const Operation& operation, const std::string& args);
    /// Stores the row, tells it, and what the environment's page says of it.
    Result<> put(Unit& unit, const Scope& scope, const Backup& backup);
    Result<> refresh(Unit& unit, const Scope& scope, const EnvironmentId& environment);
    Result<> publish(Unit& unit, const Scope& scope, const EnvironmentId& environment);

    Parts parts_;
    api::Announcements announcements_;
};

/// The bucket as servers get to know it.
proto::Storage to_proto(const Storage& storage);

/// The ids of the storages whose keys an operation needs.
std::set<std::string> storages_of(std::string_view kind, const std::string& args);

/// Whether a person chose this storage for the environment, now or once: its policy names it, or an
/// operation of this controller's took its keys there. What a server says chooses nothing.
Result<bool> was_chosen(
    store::Connection& db, const api::OrgScope& scope, const EnvironmentId& environment,
    const StorageId& storage
);

/// What is dropped with an organization. Its buckets are left as they are.
Result<> erase(store::Connection& db, const api::OrgScope& scope);

} // namespace fairlead::backups
