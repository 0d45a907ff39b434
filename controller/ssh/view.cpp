#include "controller/ssh/view.hpp"

#include "common/json/json.hpp"

namespace fairlead::ssh {

using boost::json::object;
using boost::json::value;

object to_json(const Key& key, const std::string& problem) {
    value by = nullptr, confirmed = nullptr, replaces = nullptr, trouble = nullptr;
    if (key.created_by) by = object{{"id", key.created_by->str()}, {"email", key.created_by_email}};
    if (key.confirmed_ms) confirmed = to_rfc3339(*key.confirmed_ms);
    if (key.replaces) replaces = key.replaces->str();
    bool waits = key.state == KeyState::adding || key.state == KeyState::removing ||
                 key.state == KeyState::proving || key.replaces;
    if (waits && !problem.empty()) trouble = problem;
    return {
        {"id", key.id.str()},
        {"server_id", key.server_id.str()},
        {"user", key.unix_user},
        {"label", key.label},
        {"type", key.type},
        {"bits", key.bits},
        {"fingerprint", key.fingerprint},
        {"public_key", key.public_key},
        {"state", json::enum_name(key.state)},
        {"problem", std::move(trouble)},
        {"replaces", std::move(replaces)},
        {"created_at", to_rfc3339(key.created_ms)},
        {"created_by", std::move(by)},
        {"confirmed_at", std::move(confirmed)}};
}

std::vector<std::string> users_of(const std::optional<ServerWord>& word) {
    if (!word) return {};
    auto read = json::decode<std::vector<std::string>>(word->users, json::Strictness::lenient);
    return read ? *std::move(read) : std::vector<std::string>();
}

object to_json(const std::optional<ServerWord>& word) {
    value problem = nullptr, told = nullptr;
    if (word && !word->problem.empty()) problem = word->problem;
    if (word) told = to_rfc3339(word->told_ms);
    return {
        {"users", json::to_value(users_of(word))},
        {"reachable", word && word->port != 0},
        {"problem", std::move(problem)},
        {"told_at", std::move(told)}};
}

api::Act act_on(const Key& key, const std::string& server_name, std::string action) {
    api::Act act;
    act.action = std::move(action);
    act.target_type = "ssh_key";
    act.target_id = key.id.str();
    act.target_name = key.label;
    act.after = object{
        {"server_id", key.server_id.str()},
        {"server", server_name},
        {"user", key.unix_user},
        {"fingerprint", key.fingerprint}};
    return act;
}

api::Event event_of(const OrgId& org, const ServerId& server) {
    object body{{"id", server.str()}};
    return {org,  "ssh_keys.updated", boost::json::serialize(body), "ssh_keys.view", std::nullopt,
            false};
}

} // namespace fairlead::ssh
