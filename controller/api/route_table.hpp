/// The table of routes is data: method, path, permission, function.
#pragma once

#include "common/runtime/result.hpp"
#include "controller/api/call.hpp"
#include "controller/api/response.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fairlead::api {

using Handler = std::function<Result<Response>(const Call&)>;

/// Permissions that are no codes: open to all, anybody who is signed in, the owners of the
/// organization, which no role can hand out, and whoever looks after the installation, whose own
/// log is the scope then.
inline constexpr std::string_view open_to_all = "none";
inline constexpr std::string_view signed_in = "self";
inline constexpr std::string_view owners_alone = "owner";
inline constexpr std::string_view operators_alone = "operator";

/// What a route asks beside its permission; the contract says the same.
struct Marks {
    /// x-feature: what the organization's plan must have, "audit_log"; "": nothing.
    std::string_view feature = "";
    /// x-step-up: the caller gave a second factor, or the password where the account has none, in
    /// this session within the last 15 minutes. Not for keys.
    bool step_up = false;
    /// x-key-alone: for API keys, and for nobody else. Goes with "self".
    bool key_alone = false;
    /// A GET that becomes a WebSocket: it proves its origin as a change does. The contract says
    /// nothing of it.
    bool socket = false;
    /// It hashes a password, which takes its time on purpose: it has threads of its own, so that a
    /// flood of log-ins holds up nobody else. The contract says nothing of it.
    bool hashes = false;
};

struct Route {
    Method method;
    std::string path; ///< "/api/v1/orgs/{org}/servers/{server}"
    std::string
        permission; ///< "none", "self", "owner", "operator" or a code such as "servers.view"
    Handler handler;
    Marks marks{};
    /// Names that the query may have; unset: any.
    std::optional<std::set<std::string, std::less<>>> query{};
};

/// Filled at start by each subject's add_…_routes(), then only read.
class RouteTable {
public:
    /// Throws std::logic_error for a route without a permission, a code on a path without {org}, or
    /// a duplicate: the program does not start, and neither does a test.
    void
    add(Method method, std::string path, std::string permission, Handler handler, Marks marks = {});

    const std::vector<Route>& routes() const { return routes_; }

    /// Other names in the query of this route are refused. Throws std::logic_error when there is no
    /// such route.
    void
    allow_query(Method method, std::string_view path, std::set<std::string, std::less<>> names);

    struct Match {
        const Route* route;
        std::map<std::string, std::string, std::less<>> parameters; ///< percent-decoded
    };
    /// Errc::not_found, or code method_not_allowed (fact "allow": those that are possible) where
    /// only the method differs. HEAD finds GET.
    Result<Match> find(Method method, std::string_view path) const;

private:
    /// Rows by the last segment, "" where that is a parameter.
    using Rows = std::map<std::string, std::vector<std::size_t>, std::less<>>;

    std::vector<Route> routes_;
    std::vector<std::vector<std::string>> segments_; ///< of each route's path
    std::vector<Rows> by_length_;                    ///< by the number of segments
};

/// Percent-decoding; Errc::invalid for broken escapes and for control characters.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

/// "a=1&b=2", at most 32 pairs, no name twice.
Result<std::map<std::string, std::string, std::less<>>> parse_query(std::string_view query);

} // namespace fairlead::api
