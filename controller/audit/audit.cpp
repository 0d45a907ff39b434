#include "controller/audit/audit.hpp"

#include <boost/describe.hpp>
#include <boost/json.hpp>

#include <stdexcept>

namespace fairlead::audit {

BOOST_DESCRIBE_STRUCT(
    Entry, (),
    (id, at, actor_type, actor_id, actor_label, action, target_type, target_id, target_name, result,
     address, user_agent, request_id, before, after)
)

namespace {

/// Of `before` and `after`: what is larger says too little to be worth keeping for ever.
constexpr std::size_t change_limit = 16 * 1024;

std::string name_of(api::Actor::Kind kind) {
    switch (kind) {
    case api::Actor::Kind::user:
        return "user";
    case api::Actor::Kind::server:
        return "server";
    case api::Actor::Kind::system:
        return "system";
    }
    throw std::logic_error("unknown kind of actor");
}

std::string name_of(api::Act::Outcome outcome) {
    switch (outcome) {
    case api::Act::Outcome::ok:
        return "ok";
    case api::Act::Outcome::refused:
        return "refused";
    case api::Act::Outcome::failed:
        return "failed";
    }
    throw std::logic_error("unknown outcome");
}

std::optional<std::string> present(std::string text) {
    if (text.empty()) return std::nullopt;
    return text;
}

std::optional<std::string> change(const std::optional<boost::json::object>& members) {
    if (!members) return std::nullopt;
    auto text = boost::json::serialize(*members);
    if (text.size() <= change_limit) return text;
    boost::json::object names;
    for (const auto& [name, value] : *members) names.emplace(name, "(too large to keep)");
    return boost::json::serialize(names);
}

} // namespace

Result<> AuditRepo::append(const Entry& e) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO audit_entry (org_id, id, at_ms, actor_type, actor_id, actor_label, action, "
        "target_type, target_id,"
        " target_name, result, address, user_agent, request_id, before_json, after_json)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        org_, e.id, e.at, e.actor_type, e.actor_id, e.actor_label, e.action, e.target_type,
        e.target_id, e.target_name, e.result, e.address, e.user_agent, e.request_id, e.before,
        e.after
    ));
    return {};
}

Result<std::vector<Entry>> AuditRepo::list(const Filter& f) {
    // "environment" finds "environment.deploy": everything from "environment." to just below
    // "environment/".
    return db_.all<Entry>(
        "SELECT id, at_ms AS at, actor_type, actor_id, actor_label, action, target_type, "
        "target_id, target_name, result,"
        " address, user_agent, request_id, before_json AS before, after_json AS after FROM "
        "audit_entry"
        " WHERE org_id = $1 AND ($2 = '' OR id < $2) AND ($3 = '' OR actor_id = $3)"
        " AND ($4 = '' OR action = $4 OR (action >= $4 || '.' AND action < $4 || '/'))"
        " AND ($5 = '' OR target_id = $5) AND ($6 IS NULL OR at_ms > $6) AND ($7 IS NULL OR at_ms "
        "< $7)"
        " ORDER BY id DESC LIMIT $8",
        org_, f.below, f.actor, f.action, f.target, f.after, f.before, f.limit
    );
}

void Log::record(
    store::UnitOfWork& unit, const api::OrgScope& scope, const api::Actor& actor, api::Act act
) {
    if (act.action.find('.') == std::string::npos)
        throw std::logic_error("an action is written subject.verb: " + act.action);
    Entry entry;
    entry.at = clock_.now();
    entry.id = AuditId::make(entry.at);
    entry.actor_type = name_of(actor.kind);
    entry.actor_id = present(actor.id);
    entry.actor_label = actor.label;
    entry.action = std::move(act.action);
    entry.target_type = present(std::move(act.target_type));
    entry.target_id = present(std::move(act.target_id));
    entry.target_name = present(std::move(act.target_name));
    entry.result = name_of(act.outcome);
    entry.address = present(actor.address);
    entry.user_agent = present(actor.user_agent);
    entry.request_id = present(actor.request_id);
    entry.before = change(act.before);
    entry.after = change(act.after);
    if (auto kept = AuditRepo(unit.db(), scope).append(entry); !kept)
        throw std::runtime_error("an audit entry cannot be stored: " + kept.error().detail());
    unit.note(api::audited);
}

} // namespace fairlead::audit
