/// The one place where a caller is identified and permitted; `access` implements it.
#pragma once

#include "common/runtime/result.hpp"
#include "controller/api/call.hpp"
#include "controller/api/principal.hpp"
#include "controller/api/route_table.hpp"

#include <optional>
#include <string_view>

namespace fairlead::api {

/// Thread-safe; called on worker threads.
class Guard {
public:
    virtual ~Guard() = default;

    /// Decides whether this request may use this route. `org` is the {org} of the path, ""
    /// elsewhere. Gives nothing for open routes. Errc::unauthenticated, Errc::not_found (another's
    /// organization), Errc::forbidden (with the fact "permission"), Errc::rate_limited.
    virtual Result<std::optional<Principal>>
    admit(const Request& request, const Route& route, std::string_view org) = 0;

    /// True when the program knows this permission code; asked for every route at start.
    virtual bool knows(std::string_view permission) const = 0;
};

} // namespace fairlead::api
