#include "controller/audit/lasting.hpp"

#include "common/json/json.hpp"
#include "common/runtime/log.hpp"

#include <tuple>
#include <vector>

namespace fairlead::audit {
namespace {

constexpr std::int64_t at_once = 200;

/// An end that is due, as its row keeps it.
struct Due {
    int actor_kind = 0;
    std::string actor_id, actor_label, address, user_agent, request_id, on_behalf_of,
        connect_session;
    std::string action, target_type, target_id, target_name;
    boost::json::object after;
};
BOOST_DESCRIBE_STRUCT(
    Due, (),
    (actor_kind, actor_id, actor_label, address, user_agent, request_id, on_behalf_of,
     connect_session, action, target_type, target_id, target_name, after)
)

Due due(const api::Actor& actor, const api::Act& end) {
    return {
        static_cast<int>(actor.kind),
        actor.id,
        actor.label,
        actor.address,
        actor.user_agent,
        actor.request_id,
        actor.on_behalf_of,
        actor.connect_session,
        end.action,
        end.target_type,
        end.target_id,
        end.target_name,
        end.after.value_or(boost::json::object())};
}

api::Actor actor_of(const Due& due) {
    return {
        static_cast<api::Actor::Kind>(due.actor_kind),
        due.actor_id,
        due.actor_label,
        due.address,
        due.user_agent,
        due.request_id,
        due.on_behalf_of,
        due.connect_session};
}

api::Act act_of(const Due& due) {
    api::Act act;
    act.action = due.action;
    act.target_type = due.target_type;
    act.target_id = due.target_id;
    act.target_name = due.target_name;
    act.after = due.after;
    (*act.after)["reason"] = controller_died;
    return act;
}

} // namespace

Result<> begin_lasting(
    store::UnitOfWork& unit, const api::OrgScope& scope, const std::string& id,
    const api::Actor& actor, const api::Act& end
) {
    FAIRLEAD_CHECK(unit.db().run(
        "INSERT INTO audit_lasting (org_id, id, due) VALUES ($1, $2, $3)", scope.org(), id,
        json::encode(due(actor, end))
    ));
    return {};
}

Result<> end_lasting(store::UnitOfWork& unit, const api::OrgScope& scope, const std::string& id) {
    FAIRLEAD_CHECK(
        unit.db().run("DELETE FROM audit_lasting WHERE org_id = $1 AND id = $2", scope.org(), id)
    );
    return {};
}

Result<> end_what_was_left(store::Store& store, api::AuditLog& log) {
    using Row = std::tuple<OrgId, std::string, std::string>;
    for (std::size_t found = at_once; found == at_once;) {
        auto work = [&](store::UnitOfWork& unit) -> Result<> {
            FAIRLEAD_TRY(
                rows, unit.db().all<Row>(
                          "SELECT org_id, id, due FROM audit_lasting ORDER BY org_id, id LIMIT $1",
                          at_once
                      )
            );
            found = rows.size();
            for (const auto& [org, id, text] : rows) {
                auto scope = api::ScopeIssuer::scope(org);
                auto due = json::decode<Due>(text, json::Strictness::lenient);
                if (due)
                    log.record(unit, scope, actor_of(*due), act_of(*due));
                else // no reason not to start
                    log::error("an end in the audit log cannot be read", {{"id", id}});
                FAIRLEAD_CHECK(end_lasting(unit, scope, id));
            }
            return {};
        };
        FAIRLEAD_CHECK(store.write(work));
    }
    return {};
}

} // namespace fairlead::audit
