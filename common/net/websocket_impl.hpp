/// Makes WebSockets out of streams, for this folder's .cpp files. Beast's WebSocket is instantiated
/// in websocket.cpp.
#pragma once

#include "common/net/http.hpp"
#include "common/net/tls_stream.hpp"
#include "common/net/websocket.hpp"

#include <memory>

namespace fairlead::net {

/// Answers a checked upgrade request with 101 and `extra` fields.
Task<Result<WebSocket>> accept_websocket(
    std::shared_ptr<TlsStream> stream, HttpRequest request, Headers extra, WebSocketLimits limits
);

/// Resolves, connects and does the TLS handshake; the stream's deadline is `limit` from now. The
/// facts are the peer's.
struct Connected {
    Connected(std::shared_ptr<TlsStream> s, PeerInfo p)
        : stream(std::move(s)), peer(std::move(p)) {}
    std::shared_ptr<TlsStream> stream;
    PeerInfo peer;
};
Task<Result<Connected>> connect_tls(
    std::string host, std::uint16_t port, std::string alpn, TlsClientContext& tls,
    std::chrono::milliseconds limit
);

} // namespace fairlead::net
