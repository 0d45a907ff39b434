// When a push is deployed: at once, or when the operation under way is over.
#include "controller/environments/view.hpp"
#include "controller/pushes/pushes.hpp"
#include "proto/messages.hpp"

#include <fmt/core.h>

namespace fairlead::pushes {
namespace {

using environments::Environment;

constexpr std::int64_t at_once = 100;

void refuse(Push& push, std::string reason, std::string detail) {
    push.outcome = Outcome::refused;
    push.reason = std::move(reason);
    push.detail = std::move(detail);
}

/// Nothing asked for now would help it.
bool refuse_for_good(const Environment& environment, Push& push) {
    if (environment.server_status == "revoked")
        refuse(
            push, "server_revoked",
            fmt::format("The server of {} is revoked: nothing can be sent to it.", environment.name)
        );
    else if (environment.busy_kind == proto::kind::remove)
        refuse(push, "environment_deleting", fmt::format("{} is being deleted.", environment.name));
    else
        return false;
    return true;
}

/// "Push of 1a2b3c4d5e6f to main of acme/shop by octocat (as GitHub says)"
std::string note_of(const Push& push) {
    auto text = fmt::format(
        "Push of {} to {} of {}",
        push.commit_id.empty() ? "an unnamed commit" : push.commit_id.substr(0, 12), push.branch,
        push.repository.empty() ? "its repository" : push.repository
    );
    if (!push.pusher.empty())
        text += fmt::format(" by {} (as {} says)", push.pusher, name_of(push.provider));
    return operations::cut(std::move(text), 480);
}

} // namespace

Result<>
Pushes::put(Unit& unit, const Scope& scope, const Environment& environment, const Push& push) {
    FAIRLEAD_CHECK(PushRepo(unit.db(), scope).put(push));
    api::publish(
        unit, parts_.events,
        {environments::event(scope.org(), "push.updated", environment.project_id, to_json(push))}
    );
    return {};
}

Result<> Pushes::deploy(
    Unit& unit, const Scope& scope, const api::Actor& actor, const Environment& environment,
    const Hook& hook, Push& push
) {
    if (environment.live_state == "stopped") {
        refuse(
            push, "environment_stopped",
            fmt::format(
                "{} is stopped, and a deployment would start it. Start it, and send the push "
                "again.",
                environment.name
            )
        );
        return {};
    }
    environments::DeployRequest request;
    request.backup_first = hook.backup_first;
    request.note = note_of(push);
    request.origin = operations::Origin::push;
    // It refuses before it stores anything.
    auto asked = parts_.environments.deploy(unit, scope, actor, environment.id, request);
    if (!asked) {
        const auto& error = asked.error();
        if (error.kind() == Errc::internal) return fail(std::move(asked).error());
        refuse(push, reason_of(error), operations::cut(error.message(), 1000));
        return {};
    }
    push.outcome = Outcome::queued;
    push.reason.clear();
    push.detail = fmt::format("{} is deployed with it.", environment.name);
    push.operation_id = asked->id;
    return {};
}

Result<> Pushes::decide(
    Unit& unit, const Scope& scope, const api::Actor& actor, const Environment& environment,
    Hook& hook, Push& push
) {
    if (!hook.enabled) {
        refuse(
            push, "switched_off",
            fmt::format(
                "Pushes do not deploy {} at the moment: it is switched off.", environment.name
            )
        );
        return {};
    }
    if (refuse_for_good(environment, push)) return {};
    bool busy = !environment.busy_kind.empty();
    if (!busy) FAIRLEAD_CHECK(deploy(unit, scope, actor, environment, hook, push));
    if (push.outcome == Outcome::refused) return {};
    if (hook.waiting)
        FAIRLEAD_CHECK(end_waiting(
            unit, scope, environment, hook, Outcome::replaced, "newer_push",
            "A newer push took its place, which brings the same and more."
        ));
    if (!busy) return {};
    push.outcome = Outcome::waiting;
    push.reason.clear();
    push.detail = "It waits until what the environment is busy with is over.";
    hook.waiting = push.id;
    return {};
}

Result<> Pushes::end_waiting(
    Unit& unit, const Scope& scope, const Environment& environment, Hook& hook, Outcome outcome,
    std::string reason, std::string detail
) {
    FAIRLEAD_TRY(waits, PushRepo(unit.db(), scope).push(*hook.waiting));
    hook.waiting.reset();
    if (!waits) return {};
    waits->outcome = outcome;
    waits->reason = std::move(reason);
    waits->detail = std::move(detail);
    return put(unit, scope, environment, *waits);
}

Result<> Pushes::begin_waiting(Unit& unit, const Scope& scope, const EnvironmentId& id) {
    PushRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(hook, repo.find(id));
    if (!hook || !hook->waiting) return {};
    FAIRLEAD_TRY(environment, environments::EnvironmentRepo(unit.db(), scope).find(id));
    // Another operation came first: its end is waited for.
    if (!environment) return {};
    FAIRLEAD_TRY(push, repo.push(*hook->waiting));
    if (push) {
        if (!refuse_for_good(*environment, *push)) {
            if (!environment->busy_kind.empty()) return {};
            api::Actor actor;
            actor.label = "push hook";
            FAIRLEAD_CHECK(deploy(unit, scope, actor, *environment, *hook, *push));
        }
        FAIRLEAD_CHECK(put(unit, scope, *environment, *push));
    }
    hook->waiting.reset();
    return repo.update(*hook);
}

Result<> Pushes::moved(Unit& unit, const Scope& scope, const Operation& operation) {
    if (!operations::is_final(operation.state) || !operation.mutating || !operation.environment_id)
        return {};
    FAIRLEAD_TRY(hook, PushRepo(unit.db(), scope).find(*operation.environment_id));
    if (!hook || !hook->waiting) return {};
    // After the unit in which the operation ends: a deployment that cannot be asked for must not
    // undo that.
    unit.follow_with([this, org = scope.org(), id = *operation.environment_id](Unit& next) {
        return begin_waiting(next, api::ScopeIssuer::scope(org), id);
    });
    return {};
}

Result<> Pushes::tick() {
    FAIRLEAD_TRY(waiting, parts_.store.read([](store::Connection& db) {
        return with_waiting(db, at_once);
    }));
    for (const auto& [org, environment] : waiting) {
        auto scope = api::ScopeIssuer::scope(org);
        FAIRLEAD_TRY(
            free, parts_.store.read([&, id = environment](store::Connection& db) -> Result<bool> {
                FAIRLEAD_TRY(found, environments::EnvironmentRepo(db, scope).find(id));
                return found && found->busy_kind.empty();
            })
        );
        if (!free) continue;
        FAIRLEAD_CHECK(parts_.store.write([&, id = environment](store::UnitOfWork& unit) {
            return begin_waiting(unit, scope, id);
        }));
    }
    return {};
}

} // namespace fairlead::pushes
