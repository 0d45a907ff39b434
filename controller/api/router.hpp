/// From a request to a response: find the route, admit the caller, run the handler, turn errors
/// into problems.
#pragma once

#include "controller/api/guard.hpp"
#include "controller/api/replays.hpp"
#include "controller/api/route_table.hpp"

namespace fairlead::api {

/// Thread-safe once built. Called on worker threads; handlers block there.
class Router {
public:
    /// Throws std::logic_error when a route names a permission that the guard does not know.
    /// Without `replays`, idempotency keys are ignored.
    Router(const RouteTable& table, Guard& guard, Replays* replays = nullptr);

    /// Never throws; the pattern of the route that answered goes to `pattern` for the access log.
    Response handle(const Request& request, std::string& pattern) noexcept;

    /// Whether the route of this request, if there is one, hashes a password. Quick.
    bool hashes(const Request& request) const;

    /// Whether there is a route of this path, by whatever method.
    bool serves(std::string_view path) const;

private:
    Result<Response>
    dispatch(const Request& request, std::string& pattern, std::optional<Rate>& rate);
    Result<Response> once(const Call& call, const Route& route);

    const RouteTable& table_;
    Guard& guard_;
    Replays* replays_;
};

} // namespace fairlead::api
