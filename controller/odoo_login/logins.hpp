/// Logging in to an environment's Odoo: what people ask of its server, and what becomes of the
/// links. What the server answers is sealed for the page that asked; nobody reads it here.
#pragma once

#include "controller/api/change.hpp"
#include "controller/environments/environment_repo.hpp"
#include "controller/fleet/login_watch.hpp"
#include "controller/fleet/server_repo.hpp"
#include "controller/operations/operations.hpp"

#include <string>
#include <vector>

namespace fairlead::odoo_login {

/// As whom, and why.
struct Wanted {
    std::string login;
    std::string reason;
};

/// Thread-safe: all of it is in the store. Hand it to AgentService::use.
class Logins final : public fleet::LoginWatch {
public:
    struct Parts {
        store::Store& store;
        api::EventSink& events;
        api::AuditLog& audit;
        operations::Operations& operations;
        const Clock& clock;
    };
    explicit Logins(const Parts& parts) : parts_(parts) {}
    api::Desk desk() const { return {parts_.store, parts_.audit, parts_.events}; }

    /// Whom it can be. `public_key` is the page's. Errc::forbidden: step_up_required,
    /// session_required; Errc::conflict: not_deployed, server_revoked, server_offline,
    /// agent_too_old.
    Result<operations::Operation> users(
        api::Change& change, const api::Principal& who, const EnvironmentId& id,
        const std::string& public_key
    );
    /// A link. As users().
    Result<operations::Operation> link(
        api::Change& change, const api::Principal& who, const EnvironmentId& id,
        const Wanted& wanted, const std::string& public_key
    );

    // ---- fleet::LoginWatch ----

    Result<> used(
        store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server,
        const std::vector<proto::UsedOdooLink>& links
    ) override;

    /// Of both operations: nobody waits longer for an answer.
    static constexpr auto deadline = std::chrono::seconds(30);

private:
    Result<environments::Environment>
    may_ask(api::Change& change, const api::Principal& who, const EnvironmentId& id);
    Result<operations::Operation>
    ask(api::Change& change, const environments::Environment& environment, std::string_view kind,
        std::string args, std::string note, boost::json::object facts);
    Result<> was_used(
        store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server,
        operations::Operation operation, Timestamp at
    );

    Parts parts_;
};

} // namespace fairlead::odoo_login
