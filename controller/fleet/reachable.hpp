/// Whether something can be opened over the link of a server.
#pragma once

#include "common/runtime/result.hpp"
#include "controller/fleet/server_repo.hpp"

#include <cstdint>
#include <string_view>

namespace fairlead::fleet {

/// As far as the controller knows. Errc::conflict: server_revoked, server_offline, or agent_too_old
/// for one that speaks less than `since`, which is from before `what` ("there were terminals").
Result<> check_reachable(const Server& server, std::uint32_t since, std::string_view what);

} // namespace fairlead::fleet
