#include "controller/backups/copy_chain.hpp"

#include "common/crypto/age.hpp"
#include "common/json/json.hpp"
#include "controller/backups/copy_words.hpp"
#include "controller/backups/refusals.hpp"
#include "controller/backups/view.hpp"
#include "controller/fleet/server_repo.hpp"
#include "controller/members/security.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::backups {
namespace {

using api::conflict;
using environments::Environment;
using environments::EnvironmentRepo;
using operations::Operation;
using proto::Outcome;

/// Who asked, for the operations that are still to come. From where they did it stands in the
/// entries of the audit log that the request itself made.
struct Asked {
    bool key = false;
    std::string id;
    std::string label;
    std::string on_behalf_of;
    std::string connect_session;
};
BOOST_DESCRIBE_STRUCT(Asked, (), (key, id, label, on_behalf_of, connect_session))

std::string remember(const api::Actor& actor) {
    Asked asked{
        actor.kind == api::Actor::Kind::key, actor.id, actor.label, actor.on_behalf_of,
        actor.connect_session};
    return json::encode(asked);
}

Result<api::Actor> recall(const std::string& text) {
    FAIRLEAD_TRY(asked, json::decode<Asked>(text, json::Strictness::lenient));
    api::Actor actor;
    actor.kind = asked.key ? api::Actor::Kind::key : api::Actor::Kind::user;
    actor.id = asked.id;
    actor.label = asked.label;
    actor.on_behalf_of = asked.on_behalf_of;
    actor.connect_session = asked.connect_session;
    return actor;
}

/// What lies with the surroundings is nobody's mistake, and is tried again with the report.
bool ours_to_tell(const Error& error) {
    return error.kind() != Errc::internal;
}

} // namespace

struct Copies::Plan {
    const Environment& target;
    bool fresh = false;
    EnvironmentId source;
    std::string source_name;
    std::optional<Backup> backup;
    std::vector<CopyStep> steps{};

    void add(std::string_view kind, const ServerId& server) {
        CopyStep step;
        step.position = static_cast<std::int64_t>(steps.size());
        step.kind = kind;
        step.server_id = server;
        steps.push_back(std::move(step));
    }
    /// What lets the target's server open what another one made.
    void add_grant(const ServerId& from) {
        if (from == target.server_id) return;
        add(proto::kind::recipient, target.server_id);
        add(proto::kind::grant, from);
    }
};

Result<Operation> Copies::restore(
    Unit& unit, const Scope& scope, const Actor& actor, const Backup& backup,
    const Environment& target, bool fresh, const CopyRequest& request
) {
    bool elsewhere = backup.server_id != target.server_id;
    FAIRLEAD_CHECK(check_whole(backup));
    if (target.server_status == "revoked") return revoked(target.name);
    if (!fresh && target.never_deployed()) return not_deployed(target);
    if (elsewhere) {
        FAIRLEAD_TRY(server, fleet::ServerRepo(unit.db(), scope).find(backup.server_id));
        if (!server || server->revoked_ms) {
            FAIRLEAD_TRY(storage, StorageRepo(unit.db(), scope).find(backup.storage_id));
            return conflict(
                "backup_key_elsewhere",
                fmt::format(
                    "Only the server that made this backup holds the key of {}, and {}. {}",
                    backup.environment_name,
                    server ? server->name + " is revoked" : "it is not known here any more",
                    by_hand(backup, storage, target.slug)
                )
            );
        }
    }
    FAIRLEAD_CHECK(check_masking(target, request.mask));
    // Before anything is made for it.
    FAIRLEAD_CHECK(backups_.reference(unit.db(), scope, backup));
    FAIRLEAD_CHECK(check_listed(unit.db(), scope, backup.storage_id));
    if (!elsewhere && !fresh)
        return backups_.restore(
            unit, scope, actor, backup, target,
            {request.parts, request.neutralise, request.mask, request.safety_backup, request.note}
        );
    Plan plan{target, fresh, backup.environment_id, backup.environment_name, backup};
    if (fresh) plan.add(proto::kind::deploy, target.server_id);
    plan.add_grant(backup.server_id);
    plan.add(proto::kind::restore, target.server_id);
    return begin(unit, scope, actor, plan, request);
}

Result<Operation> Copies::clone(
    Unit& unit, const Scope& scope, const Actor& actor, const Environment& source,
    const Environment& target, bool fresh, CloneBackup by, const CopyRequest& request
) {
    if (source.id == target.id)
        return conflict(
            "same_environment", "The target is the environment itself. Choose another one."
        );
    FAIRLEAD_CHECK(check_reachable(source));
    if (target.server_status == "revoked") return revoked(target.name);
    if (!fresh && target.never_deployed()) return not_deployed(target);
    FAIRLEAD_CHECK(check_masking(target, request.mask));
    Plan plan{target, fresh, source.id, source.name, std::nullopt};
    if (source.server_id == target.server_id) {
        if (!fresh)
            return backups_.clone(
                unit, scope, actor, source, target,
                {request.neutralise, request.mask, request.safety_backup, request.note}
            );
        plan.add(proto::kind::deploy, target.server_id);
        plan.add(proto::kind::clone, target.server_id);
        return begin(unit, scope, actor, plan, request);
    }
    if (by == CloneBackup::newest) {
        FAIRLEAD_TRY(newest, BackupRepo(unit.db(), scope).newest_good(source.id));
        if (!newest || newest->server_id != source.server_id)
            return conflict(
                "no_backup",
                fmt::format(
                    "{} has no backup that succeeded. Have one made for this copy.", source.name
                )
            );
        FAIRLEAD_CHECK(check_listed(unit.db(), scope, newest->storage_id));
        plan.backup = std::move(newest);
    } else {
        FAIRLEAD_TRY(policy, PolicyRepo(unit.db(), scope).get(source.id));
        if (policy.storage_id) FAIRLEAD_CHECK(check_listed(unit.db(), scope, *policy.storage_id));
        plan.add(proto::kind::backup, source.server_id);
    }
    if (fresh) plan.add(proto::kind::deploy, target.server_id);
    plan.add_grant(source.server_id);
    plan.add(proto::kind::restore, target.server_id);
    return begin(unit, scope, actor, plan, request);
}

Result<Operation> Copies::begin(
    Unit& unit, const Scope& scope, const Actor& actor, const Plan& plan, const CopyRequest& request
) {
    CopyRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(other, repo.running_into(plan.target.id));
    if (other) {
        FAIRLEAD_TRY(steps, repo.steps(other->id));
        std::string last;
        for (const auto& step : steps)
            if (step.operation_id) last = step.operation_id->str();
        return fail(Error(
                        Errc::conflict,
                        fmt::format(
                            "Data of {} are on their way into {} already. Wait for the operation "
                            "{}, or cancel it.",
                            other->source_name, plan.target.name, last
                        )
        )
                        .with_code("operation_in_progress")
                        .with_fact("operation_id", last));
    }
    Copy copy;
    copy.created_ms = parts().clock.now();
    copy.id = CopyId::make(copy.created_ms);
    copy.project_id = plan.target.project_id;
    copy.source_id = plan.source;
    copy.source_name = plan.source_name;
    copy.target_id = plan.target.id;
    copy.target_name = plan.target.name;
    copy.new_target = plan.fresh;
    if (plan.backup) copy.backup_id = plan.backup->id;
    copy.request = json::encode(request);
    copy.actor = remember(actor);
    FAIRLEAD_CHECK(repo.insert(copy, plan.steps));
    boost::json::array kinds;
    for (const auto& step : plan.steps) kinds.emplace_back(step.kind);
    auto act = act_on(copy, "copy.begin");
    act.after = boost::json::object{
        {"copy_id", copy.id.str()},         {"source_environment_id", copy.source_id.str()},
        {"source", copy.source_name},       {"operations", std::move(kinds)},
        {"neutralise", request.neutralise}, {"mask", names_of(request.mask)}};
    if (copy.backup_id) (*act.after)["backup_id"] = copy.backup_id->str();
    parts().audit.record(unit, scope, actor, std::move(act));
    FAIRLEAD_TRY(operation, ask(unit, scope, actor, copy, plan.steps.front()));
    FAIRLEAD_CHECK(publish(unit, scope, copy));
    return operation;
}

Result<Operation>
Copies::ask(Unit& unit, const Scope& scope, const Actor& actor, Copy& copy, const CopyStep& step) {
    FAIRLEAD_TRY(request, json::decode<CopyRequest>(copy.request, json::Strictness::lenient));
    EnvironmentRepo environments(unit.db(), scope);
    auto asked = [&]() -> Result<Operation> {
        if (step.kind == proto::kind::backup) {
            FAIRLEAD_TRY(source, environments.get(copy.source_id));
            return backups_.create(unit, scope, actor, source, request.note);
        }
        if (step.kind == proto::kind::deploy) return deploy(unit, scope, actor, copy);
        FAIRLEAD_TRY(target, environments.get(copy.target_id));
        if (step.kind == proto::kind::recipient)
            return backups_.recipient(unit, scope, actor, target);
        if (step.kind == proto::kind::clone) {
            FAIRLEAD_TRY(source, environments.get(copy.source_id));
            return backups_.clone(
                unit, scope, actor, source, target,
                {request.neutralise, request.mask, false, request.note}
            );
        }
        if (!copy.backup_id) return fail(Errc::internal, "The copy has no backup.");
        FAIRLEAD_TRY(backup, BackupRepo(unit.db(), scope).get(*copy.backup_id));
        if (step.kind == proto::kind::grant)
            return backups_.grant(unit, scope, actor, backup, copy.recipient, target);
        // Of what was made for it, there is nothing to be safe about.
        bool safety = request.safety_backup && !copy.new_target;
        return backups_.restore(
            unit, scope, actor, backup, target,
            {request.parts, request.neutralise, request.mask, safety, request.note}
        );
    };
    FAIRLEAD_TRY(operation, asked());
    if (step.kind == proto::kind::backup) {
        FAIRLEAD_TRY(made, BackupRepo(unit.db(), scope).of_operation(operation.id));
        if (made.empty()) return fail(Errc::internal, "The backup of a copy has no row.");
        copy.backup_id = made.front().id;
        FAIRLEAD_CHECK(CopyRepo(unit.db(), scope).update(copy));
    }
    FAIRLEAD_CHECK(CopyRepo(unit.db(), scope).set_operation(copy.id, step.position, operation.id));
    return operation;
}

Result<> Copies::moved(Unit& unit, const Scope& scope, const Operation& operation) {
    if (!is_step(operation.kind)) return {};
    FAIRLEAD_TRY(copy, CopyRepo(unit.db(), scope).of_operation(operation.id));
    return copy ? publish(unit, scope, *copy) : Result<>();
}

Result<> Copies::finished(
    Unit& unit, const Scope& scope, const Operation& operation, const std::string&,
    const proto::Finished& finished
) {
    if (!is_step(operation.kind)) return {};
    CopyRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(found, repo.of_operation(operation.id));
    if (!found || found->state != CopyState::running) return {};
    auto copy = *std::move(found);
    FAIRLEAD_TRY(steps, repo.steps(copy.id));
    auto done = std::ranges::find_if(steps, [&](const CopyStep& step) {
        return step.operation_id == operation.id;
    });
    if (done == steps.end()) return {};
    if (finished.outcome == Outcome::cancelled) return end(unit, scope, copy, CopyState::cancelled);
    if (finished.outcome != Outcome::succeeded) {
        Error why(
            Errc::conflict, finished.error ? operations::cut(finished.error->message, 2000)
                                           : std::string("its server did not take it in time.")
        );
        return fail_at(
            unit, scope, copy, *done,
            std::move(why).with_code(finished.error ? finished.error->code : "expired")
        );
    }
    if (std::next(done) == steps.end()) return end(unit, scope, copy, CopyState::succeeded);
    // It was too late to undo this one, but nothing more is to follow.
    if (operation.cancel_requested) return end(unit, scope, copy, CopyState::cancelled);
    return go_on(unit, scope, copy, steps, *done, finished);
}

Result<> Copies::go_on(
    Unit& unit, const Scope& scope, Copy& copy, const std::vector<CopyStep>& steps,
    const CopyStep& done, const proto::Finished& finished
) {
    const auto& next = steps[static_cast<std::size_t>(done.position) + 1];
    if (done.kind == proto::kind::recipient) {
        auto told = crypto::Recipient::parse(finished.result.recipient);
        if (!told) return fail_at(unit, scope, copy, done, std::move(told).error());
        copy.recipient = told->str();
        FAIRLEAD_CHECK(CopyRepo(unit.db(), scope).update(copy));
    }
    FAIRLEAD_TRY(security, members::SecurityRepo(unit.db(), scope).get());
    if (!security.clone_enabled)
        return fail_at(
            unit, scope, copy, next,
            Error(
                Errc::forbidden,
                "the organization switched the copying of data into other environments off."
            )
                .with_code("clone_disabled")
        );
    FAIRLEAD_TRY(actor, recall(copy.actor));
    auto asked = ask(unit, scope, actor, copy, next);
    if (asked) return publish(unit, scope, copy);
    // Refusing the report would bring it again and again.
    if (!ours_to_tell(asked.error())) return fail(std::move(asked).error());
    return fail_at(unit, scope, copy, next, asked.error());
}

Result<> Copies::fail_at(
    Unit& unit, const Scope& scope, Copy& copy, const CopyStep& step, const Error& why
) {
    std::string server;
    FAIRLEAD_TRY(row, fleet::ServerRepo(unit.db(), scope).find(step.server_id));
    server = row ? row->name : "its server";
    copy.error_code = why.code().empty() ? "failed" : operations::cut(why.code(), 64);
    copy.error_message = failure_of(copy, step.kind, server, why.message());
    if (step.kind == proto::kind::grant && copy.backup_id) {
        FAIRLEAD_TRY(backup, BackupRepo(unit.db(), scope).find(*copy.backup_id));
        FAIRLEAD_TRY(target, EnvironmentRepo(unit.db(), scope).find(copy.target_id));
        if (backup && target) {
            FAIRLEAD_TRY(storage, StorageRepo(unit.db(), scope).find(backup->storage_id));
            copy.error_message += " " + by_hand(*backup, storage, target->slug);
        }
    }
    return end(unit, scope, copy, CopyState::failed);
}

Result<> Copies::end(Unit& unit, const Scope& scope, Copy& copy, CopyState state) {
    copy.state = state;
    copy.finished_ms = parts().clock.now();
    FAIRLEAD_CHECK(CopyRepo(unit.db(), scope).update(copy));
    auto act = act_on(copy, "copy.end");
    act.outcome = state == CopyState::succeeded ? api::Act::Outcome::ok : api::Act::Outcome::failed;
    act.after = boost::json::object{{"copy_id", copy.id.str()}, {"state", json::enum_name(state)}};
    if (!copy.error_code.empty()) (*act.after)["code"] = copy.error_code;
    parts().audit.record(unit, scope, Actor(), std::move(act));
    return publish(unit, scope, copy);
}

Result<> Copies::publish(Unit& unit, const Scope& scope, const Copy& copy) {
    FAIRLEAD_TRY(steps, CopyRepo(unit.db(), scope).steps(copy.id));
    api::publish(unit, parts().events, {event(scope.org(), copy, steps)});
    return {};
}

Result<> Copies::tidy(Timestamp now) {
    return parts().store.write([&](Unit& unit) {
        return forget_copies(unit.db(), now - Backups::kept);
    });
}

} // namespace fairlead::backups
