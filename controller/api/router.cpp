#include "controller/api/router.hpp"

#include "common/runtime/log.hpp"
#include "controller/api/problem.hpp"

#include <fmt/core.h>

#include <stdexcept>

namespace fairlead::api {

Router::Router(const RouteTable& table, Guard& guard) : table_(table), guard_(guard) {
    for (const auto& route : table.routes())
        if (!guard.knows(route.permission))
            throw std::logic_error(fmt::format("route {}: nobody knows the permission {}", route.path, route.permission));
}

Response Router::handle(const Request& request, std::string& pattern) noexcept {
    try {
        auto answer = dispatch(request, pattern);
        if (answer) return *std::move(answer);
        const auto& error = answer.error();
        if (error.kind() == Errc::internal || !error.detail().empty())
            log::warning("request failed", {{"request_id", request.request_id}, {"route", pattern},
                                            {"message", error.message()}, {"detail", error.detail()}});
        return problem(error, request.request_id);
    } catch (const std::exception& broken) {
        log::error("request broke", {{"request_id", request.request_id}, {"route", pattern}, {"what", broken.what()}});
        return internal_problem(request.request_id);
    }
}

Result<Response> Router::dispatch(const Request& request, std::string& pattern) {
    FAIRLEAD_TRY(match, table_.find(request.method, request.path));
    pattern = match.route->path;
    auto org = match.parameters.find("org");
    FAIRLEAD_TRY(
        principal,
        guard_.admit(request, *match.route, org == match.parameters.end() ? std::string_view() : org->second)
    );
    FAIRLEAD_TRY(query, parse_query(request.query));
    Call call(request, std::move(match.parameters), std::move(query), std::move(principal));
    return match.route->handler(call);
}

}  // namespace fairlead::api
