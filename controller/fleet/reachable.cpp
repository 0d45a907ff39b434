#include "controller/fleet/reachable.hpp"

#include "controller/api/change.hpp"

#include <string>

namespace fairlead::fleet {

Result<> check_reachable(const Server& server, std::uint32_t since, std::string_view what) {
    if (server.revoked_ms)
        return api::conflict(
            "server_revoked", server.name + " is revoked: nothing can be opened on it."
        );
    if (server.status != ServerStatus::online)
        return api::conflict(
            "server_offline", server.name + " is not connected. Try again when its agent is back."
        );
    if (server.capability.value_or(0) < since)
        return api::conflict(
            "agent_too_old", "The agent of " + server.name + " is from before " +
                                 std::string(what) + ". Update its package."
        );
    return {};
}

} // namespace fairlead::fleet
