// What people ask.
#include "controller/updates/updates.hpp"

#include "common/json/json.hpp"
#include "controller/fleet/reachable.hpp"
#include "controller/updates/view.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::updates {
namespace {

using api::Change;
using fleet::Server;
using fleet::ServerRepo;
using operations::Operation;

constexpr auto delivery_time = std::chrono::minutes(10);

/// Of one that has never called, nobody knows.
bool knows_how(const Server& server) {
    return server.capability.value_or(proto::updates_since) >= proto::updates_since;
}

proto::AgentUpdateArgs args_of(const install::Offer& offer) {
    return {offer.version, offer.package, offer.sums, offer.signature};
}

} // namespace

std::size_t stage_of(const Server& server, const std::vector<Labels>& stages) {
    auto has = json::decode<Labels>(server.labels, json::Strictness::lenient).value_or(Labels());
    auto fits = [&](const Labels& wanted) {
        return std::ranges::all_of(wanted, [&](const auto& label) {
            auto found = has.find(label.first);
            return found != has.end() && found->second == label.second;
        });
    };
    auto found = std::ranges::find_if(stages, fits);
    return static_cast<std::size_t>(found - stages.begin());
}

Result<Operation> Updates::send(
    Unit& unit, const Scope& scope, const api::Actor& actor, const Server& server,
    const proto::AgentUpdateArgs& args, std::string note
) {
    operations::NewOperation wanted;
    wanted.kind = proto::kind::agent_update;
    wanted.server = server.id;
    wanted.target_name = server.name;
    wanted.mutating = false;
    wanted.args = proto::write_text(args);
    wanted.note = std::move(note);
    wanted.facts = {{"version", args.version}, {"before", server.agent_version}};
    wanted.deadline = delivery_time;
    return parts_.operations.create(unit, scope, actor, std::move(wanted));
}

Result<Operation>
Updates::update(Change& change, const Server& server, const install::Offer& offer) {
    FAIRLEAD_CHECK(fleet::check_reachable(server, proto::updates_since, "it could update itself"));
    if (server.agent_version == offer.version)
        return api::conflict(
            "version_installed",
            fmt::format("The agent of {} is {} already.", server.name, offer.version)
        );
    operations::OperationRepo known(change.db(), change.scope());
    FAIRLEAD_TRY(updating, known.is_updating(server.id));
    if (updating)
        return api::conflict(
            "update_running", fmt::format("The agent of {} is being updated now.", server.name)
        );
    return send(change.unit(), change.scope(), change.actor(), server, args_of(offer), "");
}

Result<> Updates::tell(Unit& unit, const Scope& scope, const Rollout& rollout) {
    FAIRLEAD_TRY(counts, RolloutRepo(unit.db(), scope).counts(rollout.id));
    api::publish(unit, parts_.events, {event_of(scope.org(), rollout, counts)});
    return {};
}

Result<Rollout> Updates::begin(Change& change, const install::Offer& offer, const Wanted& wanted) {
    RolloutRepo repo(change.db(), change.scope());
    FAIRLEAD_TRY(servers, ServerRepo(change.db(), change.scope()).list("", "", 5 * max_members));
    std::erase_if(servers, [](const Server& server) { return server.revoked_ms.has_value(); });
    if (static_cast<std::int64_t>(servers.size()) > max_members)
        return api::conflict(
            "too_many_servers", fmt::format("A roll-out is for at most {} servers.", max_members)
        );
    auto other = [&](const Server& server) { return server.agent_version != offer.version; };
    if (std::ranges::none_of(servers, other))
        return api::conflict(
            "nothing_to_update",
            fmt::format(
                "The agents of all servers are {}, which is what this controller hands out. Update "
                "the controller for a newer one.",
                offer.version
            )
        );
    auto now = parts_.clock.now();
    Rollout rollout;
    rollout.id = RolloutId::make(now);
    rollout.version = offer.version;
    rollout.package = offer.package;
    rollout.sums = offer.sums;
    rollout.signature = offer.signature;
    rollout.stages = json::encode(wanted.stages);
    rollout.soak_s = wanted.soak_s;
    rollout.created_ms = now;
    auto actor = change.actor();
    if (actor.kind == api::Actor::Kind::user) rollout.created_by = UserId::trusted(actor.id);
    rollout.created_by_email = actor.label;
    for (std::size_t i = 0; i < wanted.stages.size(); ++i)
        if (std::ranges::none_of(servers, [&](const Server& server) {
                return stage_of(server, wanted.stages) == i &&
                       (!other(server) || knows_how(server));
            }))
            return api::conflict(
                "stage_empty",
                fmt::format(
                    "No server that can update itself is of stage {}. Give its labels to one, or "
                    "leave the stage out.",
                    i + 1
                )
            );
    FAIRLEAD_TRY(stored, repo.insert(rollout));
    if (!stored)
        return api::conflict(
            "rollout_running", "Another roll-out is not over yet. Wait for its end, or cancel it."
        );
    for (const auto& server : servers) {
        Member member;
        member.server_id = server.id;
        member.server_name = server.name;
        member.stage = static_cast<std::int64_t>(stage_of(server, wanted.stages));
        member.from_version = server.agent_version;
        member.updated_ms = now;
        if (!other(server)) {
            member.state = MemberState::healthy;
        } else if (!knows_how(server)) {
            member.state = MemberState::skipped;
            member.problem = "Its agent is from before it could update itself. Run the command of "
                             "\"Add server\" there again, without a token.";
        }
        FAIRLEAD_CHECK(repo.insert(rollout.id, member));
    }
    FAIRLEAD_CHECK(repo.prune(kept));
    auto act = act_on(rollout, "agent_rollout.create");
    act.after = boost::json::object{
        {"servers", servers.size()},
        {"stages", boost::json::parse(rollout.stages)},
        {"soak_s", rollout.soak_s}};
    change.record(std::move(act));
    FAIRLEAD_CHECK(tell(change.unit(), change.scope(), rollout));
    return rollout;
}

Result<Rollout>
Updates::change_state(Change& change, const RolloutId& id, RolloutState state, std::string action) {
    RolloutRepo repo(change.db(), change.scope());
    FAIRLEAD_TRY(rollout, repo.get(id));
    if (is_over(rollout.state))
        return api::conflict(
            "rollout_over", fmt::format(
                                "This roll-out is over: it {}. Begin another one.",
                                rollout.state == RolloutState::succeeded   ? "succeeded"
                                : rollout.state == RolloutState::cancelled ? "was cancelled"
                                                                           : "stopped"
                            )
        );
    if (rollout.state == state) {
        change.nothing_changed();
        return rollout;
    }
    rollout.state = state;
    // Whatever was healthy before is looked at anew.
    rollout.healthy_since_ms.reset();
    if (is_over(state)) rollout.finished_ms = parts_.clock.now();
    FAIRLEAD_CHECK(repo.update(rollout));
    change.record(act_on(rollout, std::move(action)));
    return rollout;
}

Result<Rollout> Updates::pause(Change& change, const RolloutId& id) {
    FAIRLEAD_TRY(rollout, change_state(change, id, RolloutState::paused, "agent_rollout.pause"));
    FAIRLEAD_CHECK(tell(change.unit(), change.scope(), rollout));
    return rollout;
}

Result<Rollout> Updates::resume(Change& change, const RolloutId& id) {
    FAIRLEAD_TRY(rollout, change_state(change, id, RolloutState::running, "agent_rollout.resume"));
    FAIRLEAD_CHECK(tell(change.unit(), change.scope(), rollout));
    return rollout;
}

Result<Rollout> Updates::cancel(Change& change, const RolloutId& id) {
    FAIRLEAD_TRY(
        rollout, change_state(change, id, RolloutState::cancelled, "agent_rollout.cancel")
    );
    FAIRLEAD_CHECK(withdraw(change.unit(), change.scope(), change.actor(), rollout));
    FAIRLEAD_TRY(members, RolloutRepo(change.db(), change.scope()).members(id));
    for (auto& member : members)
        if (member.state == MemberState::waiting)
            FAIRLEAD_CHECK(keep(
                change.unit(), change.scope(), rollout, member, MemberState::skipped,
                "The roll-out was cancelled before."
            ));
    FAIRLEAD_CHECK(tell(change.unit(), change.scope(), rollout));
    return rollout;
}

/// Where the package is being installed it cannot be cancelled, and is decided there.
Result<>
Updates::withdraw(Unit& unit, const Scope& scope, const api::Actor& actor, const Rollout& rollout) {
    FAIRLEAD_TRY(members, RolloutRepo(unit.db(), scope).members(rollout.id));
    operations::OperationRepo known(unit.db(), scope);
    for (const auto& member : members) {
        if (member.state != MemberState::updating || !member.operation_id) continue;
        FAIRLEAD_TRY(operation, known.find(*member.operation_id));
        if (!operation || operations::is_final(operation->state)) continue;
        auto cancelled = parts_.operations.cancel(unit, scope, actor, operation->id);
        if (!cancelled && cancelled.error().kind() != Errc::conflict)
            return fail(std::move(cancelled).error());
    }
    return {};
}

Result<> Updates::keep(
    Unit& unit, const Scope& scope, const Rollout& rollout, Member& member, MemberState state,
    std::string problem
) {
    member.state = state;
    member.problem = std::move(problem);
    member.updated_ms = parts_.clock.now();
    return RolloutRepo(unit.db(), scope).update(rollout.id, member);
}

} // namespace fairlead::updates
