#include "controller/operations/operations.hpp"

#include "common/runtime/try_each.hpp"
#include "common/runtime/utf8.hpp"
#include "controller/operations/view.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>

#include <algorithm>

namespace fairlead::operations {
namespace {

proto::Finished ended(proto::Outcome outcome, std::string note) {
    proto::Finished finished;
    finished.outcome = outcome;
    finished.note = std::move(note);
    return finished;
}

State state_of(proto::Outcome outcome) {
    switch (outcome) {
    case proto::Outcome::succeeded:
        return State::succeeded;
    case proto::Outcome::failed:
        return State::failed;
    case proto::Outcome::cancelled:
        return State::cancelled;
    case proto::Outcome::expired:
        return State::expired;
    }
    return State::failed;
}

} // namespace

std::string cut(std::string text, std::size_t limit) {
    if (text.size() <= limit) return text;
    return std::string(utf8::cut(text, limit)) + "…";
}

Result<>
Operations::move(store::UnitOfWork& unit, const api::OrgScope& scope, const Operation& operation) {
    OperationRepo repo(unit.db(), scope);
    FAIRLEAD_CHECK(repo.update(operation));
    for (auto* effects : effects_) FAIRLEAD_CHECK(effects->moved(unit, scope, operation));
    FAIRLEAD_TRY(steps, repo.steps(operation.id));
    std::vector<api::Event> events;
    add_events(events, scope.org(), operation, steps);
    api::publish(unit, parts_.events, std::move(events));
    return {};
}

Result<>
Operations::amend(store::UnitOfWork& unit, const api::OrgScope& scope, const Operation& operation) {
    OperationRepo repo(unit.db(), scope);
    FAIRLEAD_CHECK(repo.update(operation));
    FAIRLEAD_TRY(steps, repo.steps(operation.id));
    std::vector<api::Event> events;
    add_events(events, scope.org(), operation, steps);
    api::publish(unit, parts_.events, std::move(events));
    return {};
}

Result<> Operations::finish(
    store::UnitOfWork& unit, const api::OrgScope& scope, Operation& operation,
    const proto::Finished& finished, Timestamp at
) {
    operation.state = state_of(finished.outcome);
    operation.finished_ms = at;
    operation.result = result_text(finished.result);
    if (finished.error) {
        operation.error_code =
            finished.error->code.empty() ? "failed" : cut(finished.error->code, 64);
        operation.error_message = cut(finished.error->message, 8192);
        operation.error_step = cut(finished.error->step, 64);
    }
    operation.outcome = cut(finished.note, 1000);
    OperationRepo repo(unit.db(), scope);
    FAIRLEAD_CHECK(repo.update(operation));
    FAIRLEAD_TRY(args, repo.args(operation.id));
    for (auto* effects : effects_)
        FAIRLEAD_CHECK(effects->finished(unit, scope, operation, args, finished));
    // What waited behind it goes on.
    if (operation.kind == proto::kind::agent_update) hand_out(unit, scope, operation.server_id);
    return move(unit, scope, operation);
}

void Operations::record(
    store::UnitOfWork& unit, const api::OrgScope& scope, const api::Actor& actor,
    const Operation& operation, boost::json::object facts
) {
    api::Act act;
    act.action = operation.kind;
    act.target_type = operation.environment_id ? "environment" : "server";
    act.target_id =
        operation.environment_id ? operation.environment_id->str() : operation.server_id.str();
    act.target_name = operation.target_name;
    act.after = std::move(facts);
    (*act.after)["operation_id"] = operation.id.str();
    if (!operation.note.empty() && !act.after->contains("reason"))
        (*act.after)["note"] = operation.note;
    parts_.audit.record(unit, scope, actor, std::move(act));
}

Result<Operation> Operations::create(
    store::UnitOfWork& unit, const api::OrgScope& scope, const api::Actor& actor,
    NewOperation wanted
) {
    if (wanted.args.size() > max_args_bytes)
        return fail(
            Errc::invalid, fmt::format(
                               "This operation would need {} KiB of arguments; {} KiB is the most. "
                               "Use fewer or shorter variables and repositories.",
                               wanted.args.size() / 1024, max_args_bytes / 1024
                           )
        );
    OperationRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(waiting, repo.count_queued(wanted.server));
    if (waiting >= max_queued)
        return fail(Error(
                        Errc::rate_limited,
                        fmt::format(
                            "{} operations already wait for this server. Let it come back, or "
                            "cancel some.",
                            waiting
                        )
        )
                        .with_code("too_many_operations"));

    auto now = parts_.clock.now();
    Operation operation;
    operation.id = wanted.id.empty() ? OperationId::make(now) : wanted.id;
    operation.server_id = wanted.server;
    operation.environment_id = wanted.environment;
    operation.project_id = wanted.project;
    operation.kind = std::move(wanted.kind);
    operation.mutating = wanted.mutating && wanted.environment;
    operation.target_name = std::move(wanted.target_name);
    if (actor.kind == api::Actor::Kind::user) operation.requested_by = UserId::trusted(actor.id);
    operation.requested_by_email = actor.label;
    operation.note = std::move(wanted.note);
    operation.origin = wanted.origin;
    operation.created_ms = now;
    operation.deadline_ms = now + wanted.deadline;
    FAIRLEAD_TRY(stored, repo.insert(operation, wanted.args));
    if (!stored) {
        FAIRLEAD_TRY(other, repo.busy_with(*operation.environment_id));
        auto id = other ? other->str() : std::string();
        return fail(Error(
                        Errc::conflict,
                        fmt::format(
                            "Another operation on this environment is not over: {}. Wait for it, "
                            "or cancel it.",
                            id
                        )
        )
                        .with_code("operation_in_progress")
                        .with_fact("operation_id", id));
    }

    record(unit, scope, actor, operation, std::move(wanted.facts));
    for (auto* effects : effects_) FAIRLEAD_CHECK(effects->moved(unit, scope, operation));
    std::vector<api::Event> events;
    add_events(events, scope.org(), operation, std::vector<Step>());
    api::publish(unit, parts_.events, std::move(events));
    hand_out(unit, scope, operation.server_id);
    return operation;
}

Result<Operation> Operations::cancel(
    store::UnitOfWork& unit, const api::OrgScope& scope, const api::Actor& actor,
    const OperationId& id
) {
    OperationRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(operation, repo.get(id));
    if (is_final(operation.state))
        return fail(Error(
                        Errc::conflict, fmt::format(
                                            "The operation is over: it {}.",
                                            operation.state == State::succeeded   ? "succeeded"
                                            : operation.state == State::failed    ? "failed"
                                            : operation.state == State::cancelled ? "was cancelled"
                                                                                  : "expired"
                                        )
        )
                        .with_code("operation_finished"));
    FAIRLEAD_TRY(steps, repo.steps(id));
    auto reached = [&](std::string_view name) {
        return std::any_of(steps.begin(), steps.end(), [&](const Step& step) {
            return step.name == name && (step.state == proto::StepState::running ||
                                         step.state == proto::StepState::done);
        });
    };
    if (operation.kind == proto::kind::agent_update && reached("install"))
        return fail(Error(
                        Errc::conflict,
                        "The new agent is being installed: within some minutes the server itself "
                        "decides whether it stays."
        )
                        .with_code("not_cancellable"));
    if (reached("keep"))
        return fail(
            Error(
                Errc::conflict,
                "The new release is live and the operation only tidies up: there is nothing left "
                "to cancel. Roll back instead."
            )
                .with_code("not_cancellable")
        );
    if (operation.cancel_requested) {
        unit.note(api::audited); // when it was asked first
        return operation;
    }

    operation.cancel_requested = true;
    api::Act act;
    act.action = "operation.cancel";
    act.target_type = "operation";
    act.target_id = id.str();
    act.target_name = operation.kind + " " + operation.target_name;
    parts_.audit.record(unit, scope, actor, std::move(act));
    if (operation.state == State::queued) {
        FAIRLEAD_CHECK(finish(
            unit, scope, operation,
            ended(proto::Outcome::cancelled, "cancelled before it was delivered"),
            parts_.clock.now()
        ));
    } else {
        FAIRLEAD_CHECK(move(unit, scope, operation));
        hand_out(unit, scope, operation.server_id);
    }
    return operation;
}

Result<>
Operations::abandon(store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server) {
    OperationRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(position, repo.journal(server));
    if (position) {
        // Whatever its link still says is not heard.
        position->link.clear();
        FAIRLEAD_CHECK(repo.put_journal(server, *position));
    }
    FAIRLEAD_TRY(open, repo.open_of(server, max_queued + max_outstanding));
    for (auto& operation : open) {
        if (operation.state == State::queued) {
            FAIRLEAD_CHECK(finish(
                unit, scope, operation, ended(proto::Outcome::expired, "its server was revoked"),
                parts_.clock.now()
            ));
        } else if (operation.state != State::unknown) {
            operation.state = State::unknown;
            FAIRLEAD_CHECK(move(unit, scope, operation));
        }
    }
    return {};
}

Result<> Operations::start() {
    started_ms_ = to_ms(parts_.clock.now());
    FAIRLEAD_TRY(orgs, parts_.store.read([](store::Connection& db) { return orgs_with_open(db); }));
    for (const auto& org : orgs) {
        auto scope = api::ScopeIssuer::scope(org);
        auto done = parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
            FAIRLEAD_CHECK(unit.db().run(
                "UPDATE operation INDEXED BY operation_open SET state = 'unknown' WHERE org_id = $1"
                " AND state IN ('queued', 'delivered', 'running', 'unknown')"
                " AND state IN ('delivered', 'running')",
                org
            ));
            FAIRLEAD_CHECK(
                unit.db().run("UPDATE agent_journal SET link = '' WHERE org_id = $1", org)
            );
            return {};
        });
        FAIRLEAD_CHECK(std::move(done));
    }
    return {};
}

Result<> Operations::tick() {
    auto now = parts_.clock.now();
    if (now < from_ms(started_ms_) + grace) return {};
    constexpr std::int64_t at_once = 100;

    FAIRLEAD_TRY(late, parts_.store.read([&](store::Connection& db) {
        return orgs_with_overdue(db, now);
    }));
    auto expired = try_each(late, [&](const OrgId& org) {
        auto scope = api::ScopeIssuer::scope(org);
        return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
            FAIRLEAD_TRY(overdue, OperationRepo(unit.db(), scope).overdue(now, at_once));
            for (auto& operation : overdue)
                FAIRLEAD_CHECK(finish(
                    unit, scope, operation,
                    ended(
                        proto::Outcome::expired, "its server did not take it before the deadline"
                    ),
                    now
                ));
            return {};
        });
    });

    auto before = now - logs_kept;
    FAIRLEAD_TRY(old, parts_.store.read([&](store::Connection& db) {
        return orgs_with_old_logs(db, before);
    }));
    auto forgotten = try_each(old, [&](const OrgId& org) {
        auto scope = api::ScopeIssuer::scope(org);
        return parts_.store.write([&](store::UnitOfWork& unit) {
            return OperationRepo(unit.db(), scope).forget_logs(before, at_once);
        });
    });
    auto unsealed = forget_sealed(now);
    FAIRLEAD_CHECK(std::move(expired));
    FAIRLEAD_CHECK(std::move(forgotten));
    return unsealed;
}

Result<> Operations::forget_sealed(Timestamp now) {
    constexpr std::int64_t at_once = 100;
    auto before = now - sealed_kept;
    FAIRLEAD_TRY(orgs, parts_.store.read([&](store::Connection& db) {
        return orgs_with_sealed(db, before);
    }));
    return try_each(orgs, [&](const OrgId& org) {
        auto scope = api::ScopeIssuer::scope(org);
        return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
            FAIRLEAD_TRY(old, OperationRepo(unit.db(), scope).sealed(before, at_once));
            for (auto& operation : old) {
                operation.result.reset();
                if (operation.kind == proto::kind::odoo_login)
                    operation.outcome = "no use of the link was told of";
                FAIRLEAD_CHECK(amend(unit, scope, operation));
            }
            return {};
        });
    });
}

} // namespace fairlead::operations
