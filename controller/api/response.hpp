/// What a handler gives back: plain data, turned into HTTP by controller/web.
#pragma once

#include "common/runtime/id.hpp"

#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::api {

/// Tells the web shell to keep the connection open and send events as they are published (Server-Sent Events).
struct EventStream {
    OrgId org;
    std::optional<OperationId> operation;     ///< only this operation's events
    std::optional<std::uint64_t> after;       ///< Last-Event-ID: the first event is the one after it
    std::string first;                        ///< already formatted events that bring the client up to date
    std::optional<SessionId> session;         ///< the stream ends when this session does
};

struct Response {
    int status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
    std::optional<EventStream> events;
};

/// 200 with a JSON body.
Response answer(const boost::json::value& body, int status = 200);
/// 202 with the operation and its Location.
Response accepted(const boost::json::value& operation, const std::string& location);
Response no_content();

}  // namespace fairlead::api
