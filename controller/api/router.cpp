#include "controller/api/router.hpp"

#include "common/runtime/log.hpp"
#include "controller/api/problem.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <stdexcept>

namespace fairlead::api {
namespace {

/// "application/json", with or without a character set.
bool is_json(std::string_view type) {
    auto name = type.substr(0, type.find(';'));
    while (name.ends_with(' ')) name.remove_suffix(1);
    return name.size() == 16 &&
           std::equal(name.begin(), name.end(), "application/json", [](char a, char b) {
               return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b;
           });
}

Result<> check_shape(
    const Request& request, const Route& route,
    const std::map<std::string, std::string, std::less<>>& query
) {
    std::vector<FieldError> unknown;
    for (const auto& [name, value] : query)
        if (route.query && !route.query->contains(name))
            unknown.push_back({name.substr(0, 64), "is no parameter of this path"});
    if (!unknown.empty())
        return fail(Error(
                        Errc::invalid,
                        fmt::format("{} is no parameter of this path.", unknown.front().field)
        )
                        .with_fields(std::move(unknown)));
    auto type = request.header("content-type");
    if (!request.body.empty() && !type.empty() && !is_json(type))
        return fail(Error(
                        Errc::invalid,
                        fmt::format("The body is {}; send application/json.", type.substr(0, 100))
        )
                        .with_code("unsupported_media_type"));
    return {};
}

Response with_rate(Response response, const std::optional<Rate>& rate) {
    if (!rate) return response;
    response.headers.emplace_back("RateLimit-Limit", std::to_string(rate->limit));
    response.headers.emplace_back("RateLimit-Remaining", std::to_string(rate->remaining));
    response.headers.emplace_back("RateLimit-Reset", std::to_string(rate->reset_s));
    return response;
}

} // namespace

Router::Router(const RouteTable& table, Guard& guard, Replays* replays)
    : table_(table), guard_(guard), replays_(replays) {
    for (const auto& route : table.routes())
        if (!guard.knows(route.permission))
            throw std::logic_error(fmt::format(
                "route {}: nobody knows the permission {}", route.path, route.permission
            ));
}

Response Router::handle(const Request& request, std::string& pattern) noexcept {
    std::optional<Rate> rate;
    try {
        auto answer = dispatch(request, pattern, rate);
        if (answer) return with_rate(*std::move(answer), rate);
        const auto& error = answer.error();
        if (error.kind() == Errc::internal || !error.detail().empty())
            log::warning(
                "request failed", {{"request_id", request.request_id},
                                   {"route", pattern},
                                   {"message", error.message()},
                                   {"detail", error.detail()}}
            );
        return with_rate(problem(error, request.request_id), rate);
    } catch (const std::exception& broken) {
        log::error(
            "request broke",
            {{"request_id", request.request_id}, {"route", pattern}, {"what", broken.what()}}
        );
        return internal_problem(request.request_id);
    }
}

bool Router::hashes(const Request& request) const {
    if (request.method != Method::post) return false;
    auto match = table_.find(request.method, request.path);
    return match && match->route->marks.hashes;
}

bool Router::serves(std::string_view path) const {
    auto match = table_.find(Method::get, path);
    return match || match.error().kind() != Errc::not_found;
}

Result<Response>
Router::dispatch(const Request& request, std::string& pattern, std::optional<Rate>& rate) {
    FAIRLEAD_TRY(match, table_.find(request.method, request.path));
    pattern = match.route->path;
    auto org = match.parameters.find("org");
    FAIRLEAD_TRY(
        principal, guard_.admit(
                       request, *match.route,
                       org == match.parameters.end() ? std::string_view() : org->second, rate
                   )
    );
    FAIRLEAD_TRY(query, parse_query(request.query));
    FAIRLEAD_CHECK(check_shape(request, *match.route, query));
    bool repeatable = replays_ && principal && request.method == Method::post &&
                      !request.header("idempotency-key").empty();
    Call call(request, std::move(match.parameters), std::move(query), std::move(principal));
    return repeatable ? once(call, *match.route) : match.route->handler(call);
}

Result<Response> Router::once(const Call& call, const Route& route) {
    auto key = call.request().header("idempotency-key");
    FAIRLEAD_TRY(before, replays_->begin(call.request(), call.principal(), key));
    if (before) return *std::move(before);
    // When the handler throws, nobody knows what took effect: the key stays taken.
    auto result = route.handler(call);
    bool try_again = !result && (http_status(result.error()) >= 500 ||
                                 result.error().kind() == Errc::rate_limited);
    if (try_again) {
        replays_->finish(call.principal(), key, nullptr);
    } else {
        auto answer = result ? *result : problem(result.error(), call.request().request_id);
        replays_->finish(call.principal(), key, &answer);
    }
    return result;
}

} // namespace fairlead::api
