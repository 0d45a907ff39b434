/// Restores and clones that take more than one operation: into an environment that is made for it,
/// or on another server than the one that holds the key of the backup.
#pragma once

#include "controller/backups/backups.hpp"
#include "controller/backups/copy_repo.hpp"
#include "controller/environments/environments.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fairlead::backups {

/// What is asked of a copy; the steps that are to come read it again.
struct CopyRequest {
    proto::RestoreParts parts = proto::RestoreParts::both;
    bool neutralise = true;
    std::vector<proto::PersonalData> mask;
    bool safety_backup = true;
    std::string note;
};
BOOST_DESCRIBE_STRUCT(CopyRequest, (), (parts, neutralise, mask, safety_backup, note))

/// An environment that is made for a copy; what is not said is as in the source.
struct NewTarget {
    std::string name;
    ServerId server;
    proto::EnvironmentType type = proto::EnvironmentType::staging;
    std::optional<std::string> slug;
    std::optional<std::string> branch;
};

/// Which backup a clone goes by where its target is on another server.
BOOST_DEFINE_ENUM_CLASS(CloneBackup, fresh, newest)

/// A row says what is under way, and one row for each operation; the next one is asked for in the
/// transaction that ends the one before it, so a restart of anybody loses nothing. Cancelling the
/// operation that is under way ends the copy. Thread-safe; all run inside the caller's transaction.
/// Hand it to Operations::use, behind Backups.
class Copies final : public operations::Effects {
public:
    using Unit = store::UnitOfWork;
    using Scope = api::OrgScope;
    using Actor = api::Actor;
    using Environment = environments::Environment;
    using Operation = operations::Operation;

    Copies(Backups& backups, environments::Environments& environments)
        : backups_(backups), environments_(environments) {}
    const Backups::Parts& parts() const { return backups_.parts(); }
    api::Desk desk() const { return backups_.desk(); }

    /// An environment for data of `source`, which may be gone, to come into. Secret variables stay
    /// where they are. Errors are those of Environments::create.
    Result<Environment> make_target(
        Unit& unit, const Scope& scope, const Actor& actor, const ProjectId& project,
        const EnvironmentId& source, const NewTarget& wanted
    );

    /// `fresh`: the target was just made, and is deployed first. Whoever may replace the data of
    /// `target`, and whether copying is allowed, was asked before. The operation that is the first.
    /// Errc::conflict: those of Backups::restore, and backup_key_elsewhere where the server that
    /// holds the key is gone.
    Result<Operation> restore(
        Unit& unit, const Scope& scope, const Actor& actor, const Backup& backup,
        const Environment& target, bool fresh, const CopyRequest& request
    );
    /// The same. Also same_environment, no_storage, no_backup.
    Result<Operation> clone(
        Unit& unit, const Scope& scope, const Actor& actor, const Environment& source,
        const Environment& target, bool fresh, CloneBackup by, const CopyRequest& request
    );

    Result<> tidy(Timestamp now);

    // ---- operations::Effects ----

    Result<std::map<std::string, std::string>>
    secrets(store::Connection&, const Scope&, const Operation&, const std::string&) override {
        return std::map<std::string, std::string>();
    }
    Result<> moved(Unit& unit, const Scope& scope, const Operation& operation) override;
    Result<> finished(
        Unit& unit, const Scope& scope, const Operation& operation, const std::string& args,
        const proto::Finished& finished
    ) override;

private:
    struct Plan;
    Result<Operation> begin(
        Unit& unit, const Scope& scope, const Actor& actor, const Plan& plan,
        const CopyRequest& request
    );
    /// Asks for the operation of this step.
    Result<Operation>
    ask(Unit& unit, const Scope& scope, const Actor& actor, Copy& copy, const CopyStep& step);
    Result<Operation> deploy(Unit& unit, const Scope& scope, const Actor& actor, const Copy& copy);
    Result<> go_on(
        Unit& unit, const Scope& scope, Copy& copy, const std::vector<CopyStep>& steps,
        const CopyStep& done, const proto::Finished& finished
    );
    Result<> end(Unit& unit, const Scope& scope, Copy& copy, CopyState state);
    Result<>
    fail_at(Unit& unit, const Scope& scope, Copy& copy, const CopyStep& step, const Error& why);
    Result<> publish(Unit& unit, const Scope& scope, const Copy& copy);

    Backups& backups_;
    environments::Environments& environments_;
};

} // namespace fairlead::backups
