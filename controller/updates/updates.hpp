/// Updates of agents: of one server, and of all of them in stages.
#pragma once

#include "controller/api/change.hpp"
#include "controller/fleet/server_repo.hpp"
#include "controller/install/packages.hpp"
#include "controller/operations/effects.hpp"
#include "controller/operations/operations.hpp"
#include "controller/updates/rollout_repo.hpp"

#include <map>
#include <string>
#include <vector>

namespace fairlead::updates {

using Labels = std::map<std::string, std::string>;

/// What somebody asks for.
struct Wanted {
    std::vector<Labels> stages; ///< servers with all of these labels; the rest comes last
    std::int64_t soak_s = 0;
};

/// A roll-out asks servers stage by stage, each by an operation of its own, and goes on when all
/// that were asked have said hello with the new version and have stayed so. It stops by itself at
/// the first one that did not. Servers that are away are asked when they come. Thread-safe: all of
/// it is in the store. Hand it to Operations::use.
class Updates final : public operations::Effects {
public:
    struct Parts {
        store::Store& store;
        api::EventSink& events;
        api::AuditLog& audit;
        operations::Operations& operations;
        const install::Packages& packages;
        const Clock& clock;
    };
    explicit Updates(const Parts& parts) : parts_(parts) {}
    const Parts& parts() const { return parts_; }
    api::Desk desk() const { return {parts_.store, parts_.audit, parts_.events}; }

    using Unit = store::UnitOfWork;
    using Scope = api::OrgScope;

    /// Errc::conflict: server_revoked, server_offline, agent_too_old, version_installed,
    /// update_running.
    Result<operations::Operation>
    update(api::Change& change, const fleet::Server& server, const install::Offer& offer);

    /// Errc::conflict: rollout_running, nothing_to_update, too_many_servers, stage_empty.
    Result<Rollout> begin(api::Change& change, const install::Offer& offer, const Wanted& wanted);
    /// What is under way goes on; nothing new begins. Errc::conflict: rollout_over, also of the
    /// others.
    Result<Rollout> pause(api::Change& change, const RolloutId& id);
    Result<Rollout> resume(api::Change& change, const RolloutId& id);
    /// What no server has begun does not happen any more.
    Result<Rollout> cancel(api::Change& change, const RolloutId& id);

    /// Every few seconds.
    Result<> tick();

    // ---- operations::Effects ----

    Result<std::map<std::string, std::string>>
    secrets(store::Connection&, const Scope&, const operations::Operation&, const std::string&)
        override {
        return std::map<std::string, std::string>();
    }
    Result<> moved(Unit&, const Scope&, const operations::Operation&) override { return {}; }
    Result<> finished(
        Unit& unit, const Scope& scope, const operations::Operation& operation,
        const std::string& args, const proto::Finished& finished
    ) override;

    /// Of one roll-out, asked at the same time.
    static constexpr std::int64_t at_once = 10;
    /// For a server to say what became of its update; then it counts as failed.
    static constexpr auto patience = std::chrono::minutes(20);
    /// A server that refused for now is asked again after so long.
    static constexpr auto postponed = std::chrono::minutes(10);
    /// Servers that were away all the time are left out after so long.
    static constexpr auto longest = std::chrono::hours(24 * 14);
    /// Of an organization.
    static constexpr std::int64_t kept = 100;

private:
    struct Look; // at the servers of a stage

    Result<Rollout>
    change_state(api::Change& change, const RolloutId& id, RolloutState state, std::string action);
    Result<>
    withdraw(Unit& unit, const Scope& scope, const api::Actor& actor, const Rollout& rollout);
    /// `offered`: the version that this controller hands out; "" when there is none.
    Result<> advance(Unit& unit, const Scope& scope, Rollout rollout, const std::string& offered);
    Result<>
    look_at(Unit& unit, const Scope& scope, const Rollout& rollout, Member& member, Look& look);
    Result<> ask(Unit& unit, const Scope& scope, const Rollout& rollout, Member& member);
    Result<> keep(
        Unit& unit, const Scope& scope, const Rollout& rollout, Member& member, MemberState state,
        std::string problem
    );
    Result<>
    end(Unit& unit, const Scope& scope, Rollout& rollout, RolloutState state, std::string reason);
    Result<operations::Operation> send(
        Unit& unit, const Scope& scope, const api::Actor& actor, const fleet::Server& server,
        const proto::AgentUpdateArgs& args, std::string note
    );
    Result<> tell(Unit& unit, const Scope& scope, const Rollout& rollout);

    Parts parts_;
};

/// Where a server belongs: the first stage whose labels it has; `stages.size()`: the rest.
std::size_t stage_of(const fleet::Server& server, const std::vector<Labels>& stages);

} // namespace fairlead::updates
