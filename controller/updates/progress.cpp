// How a roll-out goes on: what servers answer, and what time brings.
#include "common/runtime/try_each.hpp"
#include "controller/api/checks.hpp"
#include "controller/updates/updates.hpp"
#include "controller/updates/view.hpp"
#include "proto/codec.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace fairlead::updates {
namespace {

using fleet::Server;
using fleet::ServerRepo;
using fleet::ServerStatus;
using operations::Operation;

constexpr std::size_t longest_problem = 1000;

/// What the server's owner decided, or how it was installed: no sign of a bad agent.
bool is_refusal(std::string_view code) {
    constexpr std::array<std::string_view, 4> codes{
        "policy_refused", "version_older", "update_needs_dpkg", "version_installed"};
    return std::ranges::find(codes, code) != codes.end();
}

/// It may be otherwise in a while.
bool is_for_now(std::string_view code) {
    constexpr std::array<std::string_view, 4> codes{
        "update_hours", "dpkg_locked", "agent_busy", "update_running"};
    return std::ranges::find(codes, code) != codes.end();
}

std::int64_t stages_of(const Rollout& rollout) {
    auto stages = boost::json::parse(rollout.stages);
    return static_cast<std::int64_t>(stages.as_array().size()) + 1; // and the rest
}

/// Whether a server that was asked should have said by now what became of it.
Result<bool> is_late(
    store::Connection& db, const api::OrgScope& scope, const Member& member,
    const std::optional<Server>& server, Timestamp now
) {
    if (member.state != MemberState::updating) return false;
    auto since = member.updated_ms;
    if (server && server->status == ServerStatus::online && member.operation_id) {
        // Where it has not begun it waits there, such as for a long backup.
        FAIRLEAD_TRY(steps, operations::OperationRepo(db, scope).steps(*member.operation_id));
        if (steps.empty()) return false;
        since = steps.front().started_ms.value_or(since);
    } else if (server) {
        since = std::max(since, server->last_seen_ms.value_or(since));
    }
    return now - since > Updates::patience;
}

} // namespace

/// At the servers of the stages up to the one that a roll-out is in.
struct Updates::Look {
    std::int64_t updating = 0;
    std::int64_t askable = 0; ///< of this stage, there, and not asked yet
    std::int64_t healthy = 0; ///< of this stage
    std::int64_t members = 0; ///< of this stage, without those that were left out
    std::int64_t away = 0;    ///< of all stages, to be asked when they come
    bool all_well = true;     ///< whoever of this stage is of the version is there
    bool changed = false;
    std::string failure;
};

Result<> Updates::finished(
    Unit& unit, const Scope& scope, const Operation& operation, const std::string&,
    const proto::Finished& finished
) {
    if (operation.kind != proto::kind::agent_update) return {};
    RolloutRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(id, repo.of_operation(operation.id));
    if (!id) return {};
    FAIRLEAD_TRY(rollout, repo.get(*id));
    FAIRLEAD_TRY(members, repo.members(*id));
    auto member = std::ranges::find_if(members, [&](const Member& one) {
        return one.operation_id == operation.id;
    });
    if (member == members.end()) return {};
    FAIRLEAD_TRY(server, ServerRepo(unit.db(), scope).find(operation.server_id));
    auto code = finished.error ? finished.error->code : "";
    auto said = finished.error ? api::printable(finished.error->message, longest_problem) : "";
    auto state = MemberState::failed;
    using operations::State;
    if (server && server->agent_version == rollout.version &&
        (operation.state == State::succeeded || code == "version_installed")) {
        state = MemberState::healthy;
        said.clear();
    } else if (operation.state == State::succeeded) {
        said = fmt::format(
            "Its agent says that it is {}, not {}.", server ? server->agent_version : "gone",
            rollout.version
        );
    } else if (operation.state == State::expired) {
        state = MemberState::waiting;
        said = "It went away before it took the update.";
    } else if (operation.state == State::cancelled) {
        state = MemberState::skipped;
        said = "Its update was cancelled.";
    } else if (is_for_now(code)) {
        state = MemberState::waiting;
        member->not_before_ms = parts_.clock.now() + postponed;
    } else if (is_refusal(code)) {
        state = MemberState::refused;
    }
    if (state == MemberState::waiting && is_over(rollout.state)) state = MemberState::skipped;
    FAIRLEAD_CHECK(keep(unit, scope, rollout, *member, state, std::move(said)));
    return tell(unit, scope, rollout);
}

Result<> Updates::tick() {
    FAIRLEAD_TRY(orgs, parts_.store.read([](store::Connection& db) {
        return orgs_with_running(db);
    }));
    if (orgs.empty()) return {};
    auto offer = parts_.packages.offer();
    auto offered = offer ? offer->version : std::string();
    return try_each(orgs, [&](const OrgId& org) {
        auto scope = api::ScopeIssuer::scope(org);
        auto work = [&](Unit& unit) -> Result<> {
            FAIRLEAD_TRY(rollout, RolloutRepo(unit.db(), scope).open());
            if (!rollout || rollout->state != RolloutState::running) return {};
            return advance(unit, scope, *rollout, offered);
        };
        return parts_.store.write(work);
    });
}

Result<> Updates::ask(Unit& unit, const Scope& scope, const Rollout& rollout, Member& member) {
    FAIRLEAD_TRY(server, ServerRepo(unit.db(), scope).get(member.server_id));
    proto::AgentUpdateArgs args{rollout.version, rollout.package, rollout.sums, rollout.signature};
    FAIRLEAD_TRY(
        operation, send(unit, scope, api::Actor(), server, args, "Roll-out " + rollout.id.str())
    );
    member.operation_id = operation.id;
    member.not_before_ms.reset();
    return keep(unit, scope, rollout, member, MemberState::updating, "");
}

Result<> Updates::look_at(
    Unit& unit, const Scope& scope, const Rollout& rollout, Member& member, Look& look
) {
    auto now = parts_.clock.now();
    FAIRLEAD_TRY(server, ServerRepo(unit.db(), scope).find(member.server_id));
    auto become = [&](MemberState state, std::string problem) {
        look.changed = true;
        return keep(unit, scope, rollout, member, state, std::move(problem));
    };
    bool open = member.state == MemberState::waiting || member.state == MemberState::updating ||
                member.state == MemberState::healthy;
    if (open && (!server || server->revoked_ms))
        FAIRLEAD_CHECK(become(MemberState::skipped, "It was revoked."));
    bool there = server && server->status == ServerStatus::online;
    bool newest = server && server->agent_version == rollout.version;

    FAIRLEAD_TRY(late, is_late(unit.db(), scope, member, server, now));
    if (late)
        FAIRLEAD_CHECK(become(
            MemberState::failed,
            fmt::format(
                "It has not said for {} minutes what became of the update.", patience.count()
            )
        ));
    if (member.state == MemberState::healthy && there && !newest) {
        if (server->agent_version == member.from_version)
            FAIRLEAD_CHECK(become(
                MemberState::failed,
                fmt::format("It has gone back to {} by itself, or by hand.", server->agent_version)
            ));
        else
            FAIRLEAD_CHECK(become(
                MemberState::skipped,
                fmt::format("It is of version {} now, by hand.", server->agent_version)
            ));
    }
    // By hand meanwhile.
    if (member.state == MemberState::waiting && there && newest)
        FAIRLEAD_CHECK(become(MemberState::healthy, ""));
    if (member.state == MemberState::waiting && now - rollout.created_ms > longest)
        FAIRLEAD_CHECK(become(MemberState::skipped, "It could not be asked for two weeks."));

    bool here = member.stage == rollout.stage;
    if (here && member.state != MemberState::skipped) ++look.members;
    if (member.state == MemberState::healthy) {
        if (here) ++look.healthy;
        if (here) look.all_well = look.all_well && there;
    } else if (member.state == MemberState::updating) {
        ++look.updating;
    } else if (member.state == MemberState::failed && look.failure.empty()) {
        look.failure = fmt::format("{}: {}", member.server_name, member.problem);
    } else if (member.state == MemberState::waiting) {
        bool now_askable = there && server->capability.value_or(0) >= proto::updates_since &&
                           (!member.not_before_ms || *member.not_before_ms <= now);
        if (now_askable && here) ++look.askable;
        if (!now_askable) ++look.away;
    }
    return {};
}

Result<> Updates::end(
    Unit& unit, const Scope& scope, Rollout& rollout, RolloutState state, std::string reason
) {
    rollout.state = state;
    rollout.reason = std::move(reason);
    rollout.finished_ms = parts_.clock.now();
    FAIRLEAD_CHECK(RolloutRepo(unit.db(), scope).update(rollout));
    FAIRLEAD_CHECK(withdraw(unit, scope, api::Actor(), rollout));
    auto act = act_on(
        rollout, state == RolloutState::succeeded ? "agent_rollout.finish" : "agent_rollout.stop"
    );
    if (!rollout.reason.empty()) (*act.after)["reason"] = rollout.reason;
    parts_.audit.record(unit, scope, api::Actor(), std::move(act));
    return tell(unit, scope, rollout);
}

Result<>
Updates::advance(Unit& unit, const Scope& scope, Rollout rollout, const std::string& offered) {
    RolloutRepo repo(unit.db(), scope);
    auto now = parts_.clock.now();
    FAIRLEAD_TRY(members, repo.members(rollout.id));
    Look look;
    for (auto& member : members)
        if (member.stage <= rollout.stage)
            FAIRLEAD_CHECK(look_at(unit, scope, rollout, member, look));
    if (!look.failure.empty())
        return end(unit, scope, rollout, RolloutState::stopped, std::move(look.failure));
    bool waits = std::ranges::any_of(members, [](const Member& member) {
        return member.state == MemberState::waiting;
    });
    if (waits && !offered.empty() && offered != rollout.version)
        return end(
            unit, scope, rollout, RolloutState::stopped,
            fmt::format(
                "This controller hands out the agent {} now, and {} no more.", offered,
                rollout.version
            )
        );

    auto room = at_once - look.updating;
    for (auto& member : members) {
        if (room <= 0 || member.stage > rollout.stage) break;
        if (member.state != MemberState::waiting) continue;
        if (member.not_before_ms && *member.not_before_ms > now) continue;
        FAIRLEAD_TRY(server, ServerRepo(unit.db(), scope).find(member.server_id));
        if (!server || server->status != ServerStatus::online ||
            server->capability.value_or(0) < proto::updates_since)
            continue;
        look.changed = true;
        if (auto asked = ask(unit, scope, rollout, member); !asked) {
            member.not_before_ms = now + postponed;
            FAIRLEAD_CHECK(
                keep(unit, scope, rollout, member, MemberState::waiting, asked.error().message())
            );
            continue;
        }
        ++look.updating;
        --room;
    }

    bool last = rollout.stage + 1 >= stages_of(rollout);
    bool asked = look.updating == 0 && look.askable == 0;
    // A stage in which nobody took it shows nothing about the next one.
    bool shown = look.healthy > 0 || (last && look.members == 0);
    if (asked && !shown && look.away == 0)
        return end(
            unit, scope, rollout, RolloutState::stopped,
            fmt::format("No server of stage {} took the update.", rollout.stage + 1)
        );
    // Behind the last one nothing is held back: of many servers one is always away.
    bool well = asked && shown && (last ? look.away == 0 : look.all_well);
    auto before = rollout.healthy_since_ms;
    if (!well)
        rollout.healthy_since_ms.reset();
    else if (!before)
        rollout.healthy_since_ms = now;
    bool over = well && (look.members == 0 ||
                         now - *rollout.healthy_since_ms >= std::chrono::seconds(rollout.soak_s));
    if (over && last) return end(unit, scope, rollout, RolloutState::succeeded, "");
    if (over) {
        ++rollout.stage;
        rollout.healthy_since_ms.reset();
        parts_.audit.record(unit, scope, api::Actor(), act_on(rollout, "agent_rollout.advance"));
    }
    if (!over && !look.changed && before == rollout.healthy_since_ms) return {};
    FAIRLEAD_CHECK(repo.update(rollout));
    return tell(unit, scope, rollout);
}

} // namespace fairlead::updates
