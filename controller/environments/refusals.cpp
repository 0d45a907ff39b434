#include "controller/environments/refusals.hpp"

#include "controller/api/change.hpp"

#include <fmt/core.h>

namespace fairlead::environments {

using api::conflict;

tl::unexpected<Error> revoked(std::string_view what) {
    return conflict(
        "server_revoked",
        fmt::format("The server of {} is revoked: nothing can be sent to it.", what)
    );
}

tl::unexpected<Error> not_deployed(const Environment& environment) {
    return conflict(
        "not_deployed", fmt::format(
                            "{} was not deployed yet: there is nothing of it on its server. Deploy "
                            "it first.",
                            environment.name
                        )
    );
}

Result<> check_reachable(const Environment& environment) {
    if (environment.server_status == "revoked") return revoked(environment.name);
    if (environment.never_deployed()) return not_deployed(environment);
    return {};
}

tl::unexpected<Error> not_held(std::string_view permission, std::string_view what) {
    return fail(Error(
                    Errc::forbidden,
                    fmt::format(
                        "{} needs the permission {}, which you do not hold. An administrator of "
                        "the organization can change that.",
                        what, permission
                    )
    )
                    .with_code("permission_denied")
                    .with_fact("permission", std::string(permission)));
}

Result<> check_replacing(
    const api::Call& call, const std::string& name, proto::EnvironmentType type, bool think_twice
) {
    constexpr std::string_view permission = "restores.production";
    bool production = type == proto::EnvironmentType::production;
    if (production && !call.principal().may(permission))
        return not_held(permission, name + " is production, and to replace its data");
    if (production || think_twice) return call.confirmed(name);
    return {};
}

} // namespace fairlead::environments
