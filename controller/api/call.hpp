/// One request as a handler sees it: decoded, identified, permitted.
#pragma once

#include "common/json/json.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/id.hpp"
#include "common/runtime/result.hpp"
#include "controller/api/principal.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::api {

/// `other` is any that no route uses.
enum class Method { get, head, post, put, patch, remove, other };

/// Reads "GET" and so on; nothing for methods that no route uses.
std::optional<Method> method_from(std::string_view name);
std::string_view name_of(Method method);

/// What came over the wire, unchecked.
struct Request {
    Method method = Method::get;
    std::string path;  ///< percent-encoded, without the query
    std::string query; ///< without the question mark
    std::vector<std::pair<std::string, std::string>> headers; ///< names in lower case
    std::string body;
    std::string address; ///< of the peer, without the port
    std::string request_id;
    Timestamp at;

    /// The first header of that name (lower case), "" when absent.
    std::string_view header(std::string_view name) const;
    /// The beginning of that header, as text: at most 300 bytes of it.
    std::string user_agent() const;
    /// The value of a cookie, "" when absent.
    std::string_view cookie(std::string_view name) const;
};

/// A request that found its route. Lives as long as the handler runs.
class Call {
public:
    Call(
        const Request& request, std::map<std::string, std::string, std::less<>> path_parameters,
        std::map<std::string, std::string, std::less<>> query_parameters,
        std::optional<Principal> principal
    )
        : request_(request), path_(std::move(path_parameters)), query_(std::move(query_parameters)),
          principal_(std::move(principal)) {}

    const Request& request() const { return request_; }
    Timestamp now() const { return request_.at; }

    /// Of routes whose permission is "self" or a code; asserts on open routes.
    const Principal& principal() const;
    /// Of routes whose permission is a code.
    const OrgScope& scope() const;
    /// For the audit entry.
    Actor actor() const;

    /// An id of the path; Errc::not_found when it is malformed.
    template <class IdType>
    Result<IdType> path_id(std::string_view name) const {
        return IdType::parse(path(name));
    }
    std::string_view path(std::string_view name) const;
    std::optional<std::string_view> query(std::string_view name) const;

    /// The JSON body as a described struct; exact: unknown, missing and mistyped members are named.
    template <class Body>
    Result<Body> body() const {
        return json::decode<Body>(request_.body, json::Strictness::exact);
    }

    /// The X-Confirm header must be `name`, percent-encoded or not. Errc::invalid
    /// (confirmation_required) without it, Errc::conflict (confirmation_mismatch) with another.
    Result<> confirmed(std::string_view name) const;

private:
    const Request& request_;
    std::map<std::string, std::string, std::less<>> path_;
    std::map<std::string, std::string, std::less<>> query_;
    std::optional<Principal> principal_;
};

} // namespace fairlead::api
