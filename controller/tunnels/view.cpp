#include "controller/tunnels/view.hpp"

#include "common/json/json.hpp"

namespace fairlead::tunnels {

std::string state_name(KeyState state) {
    return std::string(json::enum_name(state));
}

boost::json::object to_json(const TunnelKey& key) {
    boost::json::value ends = nullptr, by = nullptr;
    if (key.ends_ms) ends = to_rfc3339(*key.ends_ms);
    if (!key.created_by_email.empty()) by = key.created_by_email;
    return {{"id", key.id.str()},           {"state", state_name(key.state)},
            {"public_key", key.public_key}, {"created_at", to_rfc3339(key.created_ms)},
            {"created_by", std::move(by)},  {"ends_at", std::move(ends)}};
}

api::Act act_on(const TunnelKey& key, std::string action) {
    api::Act act;
    act.action = std::move(action);
    act.target_type = "tunnel_key";
    act.target_id = key.id.str();
    act.target_name = "Tunnel key";
    return act;
}

} // namespace fairlead::tunnels
