/// What people may do with environments: the rules between a request and an operation.
#pragma once

#include "common/crypto/keystore.hpp"
#include "controller/api/audit_log.hpp"
#include "controller/api/change.hpp"
#include "controller/api/events.hpp"
#include "controller/environments/backing.hpp"
#include "controller/environments/checks.hpp"
#include "controller/environments/environment_repo.hpp"
#include "controller/environments/live_state.hpp"
#include "controller/environments/project_repo.hpp"
#include "controller/operations/operations.hpp"
#include "controller/orgs/plans.hpp"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace fairlead::environments {

/// Bounds of one server.
inline constexpr std::int64_t max_environments_per_server = 200;
inline constexpr std::int64_t first_port = 18069;

/// What is asked of a new environment, checked for shape.
struct NewEnvironment {
    Environment row; ///< without id, ports, slug where these are to be chosen
    bool slug_chosen = false;
    bool port_chosen = false;
};

struct DeployRequest {
    proto::UpdateMode update = proto::UpdateMode::automatic;
    std::vector<std::string> modules;
    bool backup_first = false;
    std::string note;
    operations::Origin origin = operations::Origin::controller;
    /// The release of another environment of the project whose branches it follows. Odoo is set up
    /// without modules then: a database that has them is to come.
    std::optional<proto::EnvironmentSpec> like{};
};

/// What becomes of the data of an environment that is deleted.
struct Removal {
    bool drop_data = false;
    bool skip_backup = false; ///< with `drop_data`: no last backup before it
};

struct RollbackRequest {
    ReleaseId release;
    proto::DatabaseChoice database = proto::DatabaseChoice::keep;
    std::string note;
};

/// Thread-safe; everything it knows is in the store. All run inside the caller's transaction.
class Environments {
public:
    struct Parts {
        store::Store& store;
        api::EventSink& events;
        api::AuditLog& audit;
        operations::Operations& operations;
        LiveState& live;
        const crypto::Keystore& keys;
        const Clock& clock;
        const orgs::Plans& plans;
        GitTransports transports = GitTransports::safe;
        std::string own_host{}; ///< of the console's address: no environment answers to it
    };
    explicit Environments(const Parts& parts) : parts_(parts) {}
    const Parts& parts() const { return parts_; }
    /// Before anything else is called; without it nothing is backed up.
    void use(Backing& backing) { backing_ = &backing; }
    api::Desk desk() const { return {parts_.store, parts_.audit, parts_.events}; }

    /// Errc::conflict: server_revoked, slug_in_use, port_in_use, too_many_environments;
    /// Errc::not_found for a project or server that is not of this organization; Errc::forbidden
    /// (plan_required).
    Result<Environment> create(
        store::UnitOfWork& unit, const api::OrgScope& scope, const api::Actor& actor,
        NewEnvironment wanted
    );
    /// Makes an environment of this project out of one that the server was found to hold.
    /// Errc::conflict: not_adoptable with the reason, server_revoked, slug_in_use, port_in_use,
    /// too_many_environments; Errc::not_found also where it is none that was found.
    Result<Environment> adopt(
        store::UnitOfWork& unit, const api::OrgScope& scope, const api::Actor& actor,
        const ServerId& server, const EnvironmentId& id, const ProjectId& project
    );
    /// `changed` is the row as it shall be. `before` and `after` of the audit entry come from both.
    Result<Environment> edit(
        store::UnitOfWork& unit, const api::OrgScope& scope, const api::Actor& actor,
        const Environment& before, Environment changed
    );

    /// Errc::conflict: operation_in_progress, server_revoked.
    Result<operations::Operation> preflight(
        store::UnitOfWork& unit, const api::OrgScope& scope, const api::Actor& actor,
        const EnvironmentId& id
    );
    /// Also no_storage, backup_not_ready, no_connector_token.
    Result<operations::Operation> deploy(
        store::UnitOfWork& unit, const api::OrgScope& scope, const api::Actor& actor,
        const EnvironmentId& id, const DeployRequest& request
    );
    /// Also release_not_kept, release_is_live, no_database_snapshot.
    Result<operations::Operation> rollback(
        store::UnitOfWork& unit, const api::OrgScope& scope, const api::Actor& actor,
        const EnvironmentId& id, const RollbackRequest& request
    );
    /// start, stop, restart. Also not_deployed.
    Result<operations::Operation>
    act(store::UnitOfWork& unit, const api::OrgScope& scope, const api::Actor& actor,
        const EnvironmentId& id, std::string_view kind);
    /// With its data a last backup is made first, where its backup policy has a storage: also
    /// backup_not_ready. Nothing when it is gone at once: it never was on a server, or its server
    /// is revoked and out of reach.
    Result<std::optional<operations::Operation>> remove(
        store::UnitOfWork& unit, const api::OrgScope& scope, const api::Actor& actor,
        const Environment& environment, const Removal& removal
    );

    /// The repositories are where the organization lets sources come from; findings go to
    /// `checks`. Asked when a project is saved and again when it is deployed, as the list may have
    /// changed.
    Result<> check_domains(
        store::Connection& db, const api::OrgScope& scope, const Project& project,
        api::Checks& checks
    );
    /// The same, and the git addresses and credentials of a project fit together.
    Result<> check_sources(
        store::Connection& db, const api::OrgScope& scope, const Project& project,
        api::Checks& checks
    );
    /// Names that `row` has and `before` had not are of no other environment of the organization,
    /// are proved by no other organization, and are not the controller's own. Errc::invalid.
    Result<> check_names(
        store::Connection& db, const api::OrgScope& scope, const Environment& row,
        const std::string& before
    );

private:
    /// The end of a sentence; "" when the environment may answer to `name`.
    Result<std::string_view> wrong_with_name(
        store::Connection& db, const api::OrgScope& scope, const EnvironmentId& of,
        const std::string& name
    );
    /// Of one that is adopted: what others answer to by now is left out, and shows as a pending
    /// change.
    Result<> keep_free_names(store::Connection& db, const api::OrgScope& scope, Environment& row);
    Result<Environment>
    reachable(store::UnitOfWork& unit, const api::OrgScope& scope, const EnvironmentId& id);
    Result<> choose_slug(EnvironmentRepo& repo, Environment& row, bool chosen);
    Result<> choose_ports(EnvironmentRepo& repo, Environment& row, bool chosen);
    Result<operations::Operation>
    ask(store::UnitOfWork& unit, const api::OrgScope& scope, const api::Actor& actor,
        const Environment& environment, std::string_view kind, std::string args, std::string note,
        std::chrono::milliseconds deadline,
        operations::Origin origin = operations::Origin::controller);
    Parts parts_;
    Backing* backing_ = nullptr;
};

/// What may differ between two rows, for the audit log.
boost::json::object audit_facts(const Environment& environment);

} // namespace fairlead::environments
