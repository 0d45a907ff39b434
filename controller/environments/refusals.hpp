/// Why nothing can be asked of a server about one of its environments, and who may have data
/// replaced.
#pragma once

#include "controller/api/call.hpp"
#include "controller/environments/environment_repo.hpp"

#include <string>
#include <string_view>

namespace fairlead::environments {

/// Errc::conflict, code "server_revoked". `what` stands on it: an environment's name, say.
tl::unexpected<Error> revoked(std::string_view what);

/// Errc::conflict, code "not_deployed".
tl::unexpected<Error> not_deployed(const Environment& environment);

/// One of the two, or nothing: its server has it and can be asked.
Result<> check_reachable(const Environment& environment);

/// Errc::forbidden (permission_denied). `what` needs the permission: "A new environment", say.
tl::unexpected<Error> not_held(std::string_view permission, std::string_view what);

/// May the caller have the data of an environment of this name replaced? It is typed back where
/// that is production, or where the caller should think twice.
Result<> check_replacing(
    const api::Call& call, const std::string& name, proto::EnvironmentType type, bool think_twice
);

} // namespace fairlead::environments
