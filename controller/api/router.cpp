#include "controller/api/router.hpp"

#include "common/runtime/log.hpp"
#include "controller/api/problem.hpp"

#include <fmt/core.h>

#include <stdexcept>

namespace fairlead::api {

Router::Router(const RouteTable& table, Guard& guard, Replays* replays) : table_(table), guard_(guard), replays_(replays) {
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
    bool repeatable = replays_ && principal && request.method == Method::post && !request.header("idempotency-key").empty();
    Call call(request, std::move(match.parameters), std::move(query), std::move(principal));
    return repeatable ? once(call, *match.route) : match.route->handler(call);
}

Result<Response> Router::once(const Call& call, const Route& route) {
    auto key = call.request().header("idempotency-key");
    FAIRLEAD_TRY(before, replays_->begin(call.request(), call.principal(), key));
    if (before) return *std::move(before);
    // When the handler throws, nobody knows what took effect: the key stays taken.
    auto result = route.handler(call);
    bool try_again = !result && (http_status(result.error()) >= 500 || result.error().kind() == Errc::rate_limited);
    if (try_again) {
        replays_->finish(call.principal(), key, nullptr);
    } else {
        auto answer = result ? *result : problem(result.error(), call.request().request_id);
        replays_->finish(call.principal(), key, &answer);
    }
    return result;
}

}  // namespace fairlead::api
