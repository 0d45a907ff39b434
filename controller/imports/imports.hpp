/// Databases and filestores from elsewhere: what people may ask of a server about them, and what
/// becomes of what it answers. Nothing of their contents comes by here.
#pragma once

#include "common/crypto/keystore.hpp"
#include "controller/api/audit_log.hpp"
#include "controller/api/change.hpp"
#include "controller/api/events.hpp"
#include "controller/api/sealed.hpp"
#include "controller/environments/backing.hpp"
#include "controller/imports/import_repo.hpp"
#include "controller/operations/effects.hpp"
#include "controller/operations/operations.hpp"
#include "proto/source_url.hpp"

#include <optional>
#include <string>

namespace fairlead::imports {

/// Of one environment: that its server holds, and that are listed beside those.
inline constexpr std::int64_t max_held = 5, max_listed = 20;

struct Wanted {
    std::string path, filestore, sha256, note;
    std::optional<proto::SourceUrl> url;
};

struct RunRequest {
    bool neutralise = true;
    std::vector<proto::PersonalData> mask;
    bool update = true;
    bool safety_backup = true;
    std::string note;
};

/// Thread-safe; everything it knows is in the store. All run inside the caller's transaction.
class Imports final : public operations::Effects {
public:
    struct Parts {
        store::Store& store;
        api::EventSink& events;
        api::AuditLog& audit;
        operations::Operations& operations;
        environments::Backing& backups;
        const crypto::Keystore& keys;
        const Clock& clock;
    };
    explicit Imports(const Parts& parts) : parts_(parts) {}
    const Parts& parts() const { return parts_; }
    api::Desk desk() const { return {parts_.store, parts_.audit, parts_.events}; }

    using Unit = store::UnitOfWork;
    using Scope = api::OrgScope;
    using Actor = api::Actor;
    using Environment = environments::Environment;
    using Operation = operations::Operation;

    /// `by`: whose import it is. Errc::invalid (a domain that is not allowed), Errc::conflict
    /// (too_many_imports, not_deployed, server_revoked).
    Result<Import> analyse(
        Unit& unit, const Scope& scope, const Actor& actor, const Environment& environment,
        const Wanted& wanted, const api::Principal& by
    );
    /// Whoever may replace the data of the environment was asked before. Errc::conflict
    /// (import_not_analysed, import_does_not_fit, no_storage, backup_not_ready, server_revoked,
    /// operation_in_progress).
    Result<Operation>
    run(Unit& unit, const Scope& scope, const Actor& actor, const Environment& environment,
        Import import, const RunRequest& request);
    /// Nothing where only the row had to go. Errc::conflict (import_busy).
    Result<std::optional<Operation>> remove(
        Unit& unit, const Scope& scope, const Actor& actor, const Environment& environment,
        Import import
    );

    /// The environment's rows go.
    Result<> gone(Unit& unit, const Scope& scope, const Environment& environment);

    Result<std::map<std::string, std::string>> secrets(
        store::Connection& db, const Scope& scope, const Operation& operation,
        const std::string& args
    ) override;
    Result<> moved(Unit&, const Scope&, const Operation&) override { return {}; }
    Result<> finished(
        Unit& unit, const Scope& scope, const Operation& operation, const std::string& args,
        const proto::Finished& finished
    ) override;

private:
    Result<> put(Unit& unit, const Scope& scope, const Import& import);
    Result<> analysed(
        Unit& unit, const Scope& scope, const Operation& operation, Import import,
        const proto::Finished& finished
    );

    Parts parts_;
};

boost::json::object to_json(const Import& import);

/// The queries of addresses, for a new master key.
Result<> visit_sealed(store::Connection& db, const api::SealedVisitor& visit);

/// What is dropped with an organization.
Result<> erase(store::Connection& db, const api::OrgScope& scope);

} // namespace fairlead::imports
