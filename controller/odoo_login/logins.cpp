#include "controller/odoo_login/logins.hpp"

#include "controller/fleet/reachable.hpp"
#include "proto/codec.hpp"

#include <algorithm>

namespace fairlead::odoo_login {
namespace {

using api::Change;
using environments::Environment;
using environments::EnvironmentRepo;
using operations::Operation;
using operations::OperationRepo;

/// Begins the outcome of a link that was used, and tells it from others.
constexpr std::string_view was_used_at = "the link was used at ";

} // namespace

Result<Environment>
Logins::may_ask(Change& change, const api::Principal& who, const EnvironmentId& id) {
    FAIRLEAD_TRY(environment, EnvironmentRepo(change.db(), change.scope()).get(id));
    FAIRLEAD_TRY(server, fleet::ServerRepo(change.db(), change.scope()).get(environment.server_id));
    // As for terminals: a key is no person that could be asked for one.
    if (environment.type == proto::EnvironmentType::production || who.key)
        FAIRLEAD_CHECK(who.proved_lately(parts_.clock.now()));
    if (environment.never_deployed())
        return api::conflict(
            "not_deployed",
            environment.name + " was not deployed yet: there is no Odoo to log in to."
        );
    FAIRLEAD_CHECK(fleet::check_reachable(
        server, proto::odoo_login_since, "there were links to log in to Odoo"
    ));
    return environment;
}

Result<Operation> Logins::ask(
    Change& change, const Environment& environment, std::string_view kind, std::string args,
    std::string note, boost::json::object facts
) {
    operations::NewOperation wanted;
    wanted.kind = kind;
    wanted.server = environment.server_id;
    wanted.environment = environment.id;
    wanted.project = environment.project_id;
    wanted.target_name = environment.name;
    wanted.mutating = false;
    wanted.args = std::move(args);
    wanted.note = std::move(note);
    wanted.facts = std::move(facts);
    wanted.deadline = deadline;
    return parts_.operations.create(
        change.unit(), change.scope(), change.actor(), std::move(wanted)
    );
}

Result<Operation> Logins::users(
    Change& change, const api::Principal& who, const EnvironmentId& id,
    const std::string& public_key
) {
    FAIRLEAD_TRY(environment, may_ask(change, who, id));
    proto::OdooUsersArgs args{id.str(), environment.slug, public_key};
    return ask(change, environment, proto::kind::odoo_users, proto::write_text(args), "", {});
}

Result<Operation> Logins::link(
    Change& change, const api::Principal& who, const EnvironmentId& id, const Wanted& wanted,
    const std::string& public_key
) {
    FAIRLEAD_TRY(environment, may_ask(change, who, id));
    proto::OdooLoginArgs args{id.str(), environment.slug, wanted.login, wanted.reason, public_key};
    return ask(
        change, environment, proto::kind::odoo_login, proto::write_text(args), wanted.reason,
        {{"user", wanted.login}, {"reason", wanted.reason}}
    );
}

Result<> Logins::used(
    store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server,
    const std::vector<proto::UsedOdooLink>& links
) {
    OperationRepo repo(unit.db(), scope);
    for (std::size_t i = 0; i < links.size() && i < proto::most_used_odoo_links; ++i) {
        auto id = OperationId::parse(links[i].operation);
        if (!id) continue;
        FAIRLEAD_TRY(operation, repo.find(*id));
        if (!operation || operation->server_id != server ||
            operation->kind != proto::kind::odoo_login ||
            operation->state != operations::State::succeeded ||
            operation->outcome.starts_with(was_used_at))
            continue;
        // The server's clock, and its word: no earlier than it was asked, and no later than now.
        auto at = std::clamp(
            from_ms(std::clamp<std::int64_t>(links[i].used_ms, 0, to_ms(parts_.clock.now()))),
            operation->created_ms, std::max(operation->created_ms, parts_.clock.now())
        );
        FAIRLEAD_CHECK(was_used(unit, scope, server, std::move(*operation), at));
    }
    return {};
}

Result<> Logins::was_used(
    store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server,
    Operation operation, Timestamp at
) {
    FAIRLEAD_TRY(text, OperationRepo(unit.db(), scope).args(operation.id));
    auto args = proto::read_text<proto::OdooLoginArgs>(text);
    operation.outcome = std::string(was_used_at) + to_rfc3339(at);
    operation.result.reset(); // nobody can do anything with it any more
    FAIRLEAD_CHECK(parts_.operations.amend(unit, scope, operation));
    api::Act act;
    act.action = "odoo.login.used";
    act.target_type = "environment";
    act.target_id = operation.environment_id ? operation.environment_id->str() : "";
    act.target_name = operation.target_name;
    act.after = boost::json::object{
        {"operation_id", operation.id.str()},
        {"user", args ? args->login : ""},
        {"requested_by", operation.requested_by_email},
        {"reason", operation.note},
        {"used_at", to_rfc3339(at)}};
    api::Actor actor;
    actor.kind = api::Actor::Kind::server;
    actor.id = actor.label = server.str();
    parts_.audit.record(unit, scope, actor, std::move(act));
    return {};
}

} // namespace fairlead::odoo_login
