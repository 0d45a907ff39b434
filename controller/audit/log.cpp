#include "controller/audit/log.hpp"

#include "controller/audit/entries.hpp"

#include <boost/describe/enum_to_string.hpp>
#include <boost/json.hpp>

#include <stdexcept>

namespace fairlead::audit {
namespace {

/// Of `before` and `after`: what is larger says too little to be worth keeping for ever.
constexpr std::size_t change_limit = 16 * 1024;

std::string name_of(api::Actor::Kind kind) {
    switch (kind) {
    case api::Actor::Kind::user:
        return "user";
    case api::Actor::Kind::key:
        return "key";
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
    auto text = canonical(*members);
    if (text.size() <= change_limit) return text;
    boost::json::object names;
    for (const auto& [name, value] : *members) names.emplace(name, "(too large to keep)");
    return canonical(names);
}

} // namespace

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
    entry.on_behalf_of = present(actor.on_behalf_of);
    entry.connect_session = present(actor.connect_session);
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
    if (auto kept = EntryRepo(unit.db(), scope).append(entry); !kept)
        throw std::runtime_error("an audit entry cannot be stored: " + kept.error().detail());
    unit.note(api::audited);
}

} // namespace fairlead::audit
