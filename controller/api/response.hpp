/// What a handler gives back: plain data, turned into HTTP by controller/web.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/id.hpp"
#include "common/runtime/result.hpp"
#include "controller/api/principal.hpp"

#include <boost/json/value.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::api {

/// Tells the web shell to keep the connection open and send events as they are published
/// (Server-Sent Events).
struct EventStream {
    OrgId org;
    std::optional<OperationId>
        operation; ///< this operation's events; without it the organization's
    std::optional<std::uint64_t>
        after;         ///< the first event is the one after it; unset: the next one
    std::string first; ///< already formatted events, sent before all others
    bool ends = false; ///< close after `first`: nothing more will happen
    std::set<std::string, std::less<>> permissions; ///< the reader's: other events are left out
    std::optional<std::chrono::milliseconds> lasts; ///< the stream ends then; Principal::lasts
    /// The projects that the reader is limited to; unset: none of the events is left out for its
    /// project.
    std::optional<std::set<std::string, std::less<>>> projects{};
    std::vector<std::string> bonds; ///< the stream ends with any of these; Principal::bonds
};

/// Who asked for a WebSocket, as the guard let them in, and what the thing in the path is called.
struct SocketCaller {
    Principal who; ///< with a scope
    Actor actor;   ///< for the audit log
    std::string subject_name;
    Timestamp made{}; ///< when they asked
};

/// Tells the web shell to make a WebSocket of the request's connection.
struct SocketOffer {
    enum class To { terminal, ssh };

    std::string subject; ///< what it is to: the id in the path
    UserId user;         ///< who asked, in which session and from where
    SessionId session;
    std::string address;
    To to = To::terminal;
    std::shared_ptr<const SocketCaller> caller{}; ///< for ssh
};

/// Tells the web shell that a subject writes the body, for as long as it has something to say.
struct BodyOffer {
    std::string subject; ///< what the subject knows it by
};

struct Response {
    int status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
    std::optional<EventStream> events;
    /// A body of any length, instead of `body`: called on worker threads, one call at a time, until
    /// it gives "". A failure cuts the answer off, so that nobody takes a part for the whole.
    std::function<Result<std::string>()> pieces;
    /// Instead of all of the above, where the request is one for a WebSocket; others get 426.
    std::optional<SocketOffer> socket{};
    /// Instead of `body` and `pieces`: status and headers are sent once there is one.
    std::optional<BodyOffer> offer{};
};

/// 200 with a JSON body.
Response answer(const boost::json::value& body, int status = 200);
/// 202 with the operation and its Location.
Response accepted(const boost::json::value& operation, const std::string& location);
Response no_content();
/// 202 without a body: something is on its way to somebody, if there is such a somebody.
Response on_its_way();

} // namespace fairlead::api
