/// What servers say about environments, made true here: results of operations, inventories, health.
#pragma once

#include "common/crypto/keystore.hpp"
#include "controller/api/announcer.hpp"
#include "controller/api/events.hpp"
#include "controller/environments/backing.hpp"
#include "controller/environments/environment_repo.hpp"
#include "controller/environments/release_repo.hpp"
#include "controller/fleet/residents.hpp"
#include "controller/operations/effects.hpp"

#include <functional>
#include <vector>

namespace fairlead::environments {

/// Thread-safe; runs in other subjects' transactions. Hand it to Operations::use and
/// AgentService::use.
class LiveState final : public operations::Effects, public fleet::Residents {
public:
    LiveState(api::EventSink& events, const crypto::Keystore& keys, const Clock& clock)
        : events_(events), keys_(keys), clock_(clock) {}

    /// Before anything else is called; without it nothing is backed up.
    void use(Backing& backing) { backing_ = &backing; }
    /// The same; without it nobody outside hears of anything.
    void use(api::Announcer& announcer) { announcements_.use(announcer); }
    const api::Announcements& announcements() const { return announcements_; }
    /// The rows of an environment go: what others keep for it goes in the same transaction. Before
    /// anything else is called.
    using Gone =
        std::function<Result<>(store::UnitOfWork&, const api::OrgScope&, const Environment&)>;
    void on_gone(Gone gone) { gone_.push_back(std::move(gone)); }

    // operations::Effects
    Result<std::map<std::string, std::string>> secrets(
        store::Connection& db, const api::OrgScope& scope, const operations::Operation& operation,
        const std::string& args
    ) override;
    Result<> moved(
        store::UnitOfWork& unit, const api::OrgScope& scope, const operations::Operation& operation
    ) override;
    Result<> finished(
        store::UnitOfWork& unit, const api::OrgScope& scope, const operations::Operation& operation,
        const std::string& args, const proto::Finished& finished
    ) override;

    // fleet::Residents
    Result<> reachability_changed(
        store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server
    ) override;
    Result<> inventory(
        store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server,
        const std::vector<proto::EnvironmentState>& found
    ) override;
    Result<> health(
        store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server,
        const std::vector<proto::EnvironmentHealth>& health
    ) override;

    /// A row was made of what a server holds: its releases and state are taken over.
    Result<> adopted(
        store::UnitOfWork& unit, const api::OrgScope& scope, const EnvironmentId& id,
        const proto::EnvironmentState& found
    );

    /// Rows and everything below them, with the event.
    Result<>
    forget(store::UnitOfWork& unit, const api::OrgScope& scope, const Environment& environment);

    /// How long after the end of an operation an inventory that does not name an environment may be
    /// an old one.
    static constexpr auto settling = std::chrono::seconds(60);

private:
    Result<> deployed(
        store::UnitOfWork& unit, const api::OrgScope& scope, Environment& environment,
        const std::string& args, const proto::Finished& finished
    );
    Result<> rolled_back(
        store::UnitOfWork& unit, const api::OrgScope& scope, Environment& environment,
        const std::string& args
    );
    Result<> make_live(
        store::UnitOfWork& unit, const api::OrgScope& scope, Environment& environment,
        Release release, const std::vector<std::uint32_t>& removed
    );
    Result<bool> reconcile(
        store::UnitOfWork& unit, const api::OrgScope& scope, Environment& environment,
        const proto::EnvironmentState& found
    );
    /// True when the row says something else now.
    static bool take_backup_state(Environment& environment, const proto::BackupState& said);
    Result<bool>
    nothing_there(store::UnitOfWork& unit, const api::OrgScope& scope, Environment& environment);
    /// The one place where the live state of a row is stored after a server told of it.
    Result<>
    put_live(store::UnitOfWork& unit, const api::OrgScope& scope, const Environment& environment);
    Result<> publish(store::UnitOfWork& unit, const api::OrgScope& scope, const EnvironmentId& id);
    void publish(
        store::UnitOfWork& unit, const api::OrgScope& scope, const ProjectId& project,
        const Release& release
    );

    api::EventSink& events_;
    const crypto::Keystore& keys_;
    const Clock& clock_;
    Backing* backing_ = nullptr;
    api::Announcements announcements_;
    std::vector<Gone> gone_;
};

} // namespace fairlead::environments
