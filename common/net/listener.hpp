/// One public TCP port: TLS, sorted by ALPN into agent links and HTTP.
#pragma once

#include "common/async/task.hpp"
#include "common/net/http_server.hpp"
#include "common/net/tls_context.hpp"
#include "common/net/websocket.hpp"
#include "common/net/wire.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace fairlead::net {

/// Runs for one agent link, until it ends. The peer's certificate has been verified.
using AgentHandler = std::function<Task<>(WebSocket)>;

struct ListenerOptions {
    ListenerOptions() = default;

    std::string address = "::";              ///< "::" takes IPv4 too
    std::uint16_t port = 443;                ///< 0 takes a free one, see Listener::port()
    std::size_t max_connections = 20'000;    ///< beyond it: closed at once
    std::size_t max_per_address = 0;         ///< of IPv6: per /64; 0: no limit of its own
    std::chrono::seconds handshake_time{10}; ///< TCP accept to end of TLS handshake
    HttpLimits http;
    WebSocketLimits agent; ///< of the agent link
    std::string agent_path = "/link";
    std::string public_url; ///< where plain HTTP is sent to; "" takes the Host of the request
};

/// What happens with connections. `http` is required; without `agent`, the agent ALPN is not
/// offered.
struct ListenerHandlers {
    ListenerHandlers() = default;

    HttpHandler http;
    AgentHandler agent;
    HttpRefusal refusal; ///< optional

    /// Which connections are not for `http` but for `wire`, by what the handshake told of them
    /// (PeerInfo::server_name). Not asked for the ALPNs of agents. Both or neither.
    std::function<bool(const PeerInfo&)> elsewhere;
    WireHandler wire;
};

struct ListenerCounters {
    std::size_t open = 0;
    std::size_t agents = 0;
    std::uint64_t accepted = 0;
    std::uint64_t refused_full = 0;
    std::uint64_t handshake_failures = 0;
    std::uint64_t requests = 0;
};

/// Use it on the executor's thread. `tls` must outlive it. run() ends before it is destroyed.
class Listener {
public:
    Listener(
        Executor executor, TlsServerContext& tls, ListenerOptions options, ListenerHandlers handlers
    );
    Listener(const Listener&) = delete;
    ~Listener();

    /// Binds and listens. Errc::conflict when the port is taken, Errc::forbidden, Errc::invalid.
    Result<> open();
    std::uint16_t port() const;

    /// Accepts and serves until stop(), then waits for every connection to end. Cancelling it cuts
    /// them off.
    Task<> run();

    /// No new connections; idle HTTP connections are closed, running requests may finish until
    /// `limit`, then what is left is cancelled. Streams, upgraded sockets and agent links are
    /// cancelled at once: their handlers say goodbye. Twice does no harm.
    void stop(std::chrono::milliseconds limit);

    ListenerCounters counters() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace fairlead::net
