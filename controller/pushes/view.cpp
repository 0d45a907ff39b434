#include "common/json/json.hpp"
#include "controller/pushes/pushes.hpp"

namespace fairlead::pushes {
namespace {

using boost::json::value;

value or_null(const std::string& text) {
    return text.empty() ? value(nullptr) : value(text);
}

value or_null(const std::optional<Timestamp>& at) {
    return at ? value(to_rfc3339(*at)) : value(nullptr);
}

} // namespace

std::string reason_of(const Error& error) {
    return error.code().empty() ? std::string(fairlead::name_of(error.kind())) : error.code();
}

boost::json::object to_json(const Push& push) {
    return {
        {"id", push.id.str()},
        {"environment_id", push.environment_id.str()},
        {"provider", json::enum_name(push.provider)},
        {"event", push.event},
        {"repository", or_null(push.repository)},
        {"branch", or_null(push.branch)},
        {"commit", or_null(push.commit_id)},
        {"pusher", or_null(push.pusher)},
        {"outcome", json::enum_name(push.outcome)},
        {"reason", or_null(push.reason)},
        {"detail", push.detail},
        {"operation_id", push.operation_id ? value(push.operation_id->str()) : value(nullptr)},
        {"received_at", to_rfc3339(push.received_ms)}};
}

Result<boost::json::object>
Pushes::describe(store::Connection& db, const Scope& scope, const Environment& environment) {
    FAIRLEAD_TRY(found, PushRepo(db, scope).find(environment.id));
    Hook hook;
    hook.enabled = false;
    if (found) hook = *found;
    auto made_of = sources(db, scope, environment, found ? &*found : nullptr);
    boost::json::array list;
    // What cannot be deployed as it is set is made of nothing; the environment says why.
    if (made_of)
        for (const auto& source : *made_of)
            list.push_back(
                {{"name", source.name},
                 {"url", source.url},
                 {"branch", source.branch},
                 {"counts", source.counts}}
            );
    else if (made_of.error().kind() == Errc::internal)
        return fail(std::move(made_of).error());
    std::optional<Timestamp> made, created;
    if (found) made = hook.secret_made_ms, created = hook.created_ms;
    bool overlaps = hook.old_until_ms && *hook.old_until_ms > parts_.clock.now();
    value by = nullptr;
    if (hook.created_by)
        by = boost::json::object{{"id", hook.created_by->str()}, {"email", hook.created_by_email}};
    return boost::json::object{
        {"environment_id", environment.id.str()},
        {"set_up", found.has_value()},
        {"enabled", hook.enabled},
        {"url", found ? value(parts_.url + "/api/v1/hooks/push/" + hook.token) : value(nullptr)},
        {"repositories",
         hook.repositories ? boost::json::parse(*hook.repositories) : value(nullptr)},
        {"backup_first", hook.backup_first},
        {"sources", std::move(list)},
        {"waiting", hook.waiting ? value(hook.waiting->str()) : value(nullptr)},
        {"secret_made_at", or_null(made)},
        {"old_secret_until", overlaps ? or_null(hook.old_until_ms) : value(nullptr)},
        {"refused", {{"count", hook.refused_count}, {"last_at", or_null(hook.refused_ms)}}},
        {"created_at", or_null(created)},
        {"created_by", std::move(by)}};
}

} // namespace fairlead::pushes
