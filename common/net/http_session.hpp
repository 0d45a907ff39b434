/// One HTTP connection from its first request to its end, for this folder's .cpp files.
#pragma once

#include "common/async/task.hpp"
#include "common/net/http_server.hpp"
#include "common/net/tls_stream.hpp"
#include "common/net/wire.hpp"

#include <boost/asio/cancellation_signal.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace fairlead::net {

/// What the connections of one listener share.
struct HttpService {
    HttpService() = default;
    HttpHandler handler;
    HttpRefusal refusal;
    HttpLimits limits;
    std::shared_ptr<Deadlines> deadlines;
    std::uint64_t requests = 0;
    bool stopping = false;

    /// "Sun, 06 Nov 1994 08:49:37 GMT", made once a second.
    const std::string& date();

private:
    std::chrono::system_clock::time_point date_at_{};
    std::string date_;
};

/// What a connection is doing, so that the listener knows how to end it.
enum class Activity {
    handshake, ///< may be cut off
    idle,      ///< may be cut off
    request,   ///< may finish its answer
    open_end,  ///< a stream, a WebSocket, an agent: is told to stop
};

/// The listener's view of a connection.
struct Connection {
    Connection() = default;
    std::shared_ptr<TlsStream> stream;
    std::shared_ptr<const PeerInfo> peer;
    asio::cancellation_signal signal;
    Activity activity = Activity::handshake;
    bool handler_late = false;
};

Task<> serve_http(HttpService& service, Connection& connection);

/// Hands the connection's bytes over.
Task<> serve_wire(HttpService& service, Connection& connection, const WireHandler& handler);

/// Ends our side and drops what still comes for a while: closing with unread bytes would reset the
/// connection, and the peer might never see the last answer.
Task<> linger(TlsStream& stream);

/// Reads one upgrade request of an agent and answers it; Errc::invalid or what broke.
Task<Result<WebSocket>> accept_agent(
    HttpService& service, Connection& connection, const std::string& path,
    const WebSocketLimits& limits
);

} // namespace fairlead::net
