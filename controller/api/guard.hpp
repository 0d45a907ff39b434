/// The one place where a caller is identified and permitted; `access` implements it.
#pragma once

#include "common/runtime/result.hpp"
#include "controller/api/call.hpp"
#include "controller/api/principal.hpp"
#include "controller/api/route_table.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace fairlead::api {

/// What a caller may still ask for, for the RateLimit-… headers of the answer.
struct Rate {
    std::int64_t limit = 0; ///< a minute
    std::int64_t remaining = 0;
    std::int64_t reset_s = 0; ///< until all of it is there again
};

/// Thread-safe; called on worker threads.
class Guard {
public:
    virtual ~Guard() = default;

    /// Decides whether this request may use this route. `org` is the {org} of the path, ""
    /// elsewhere. Gives nothing for open routes. Errc::unauthenticated, Errc::not_found (another's
    /// organization), Errc::forbidden (with the fact "permission"), Errc::rate_limited. `rate` is
    /// filled in whatever the outcome, where the caller is known.
    virtual Result<std::optional<Principal>> admit(
        const Request& request, const Route& route, std::string_view org, std::optional<Rate>& rate
    ) = 0;

    /// True when the program knows this permission code; asked for every route at start.
    virtual bool knows(std::string_view permission) const = 0;
};

} // namespace fairlead::api
