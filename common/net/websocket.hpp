/// One WebSocket over TLS, either side.
#pragma once

#include "common/async/task.hpp"
#include "common/net/peer.hpp"
#include "common/net/tls_context.hpp"
#include "common/runtime/result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace fairlead::net {

struct WebSocketLimits {
    WebSocketLimits() = default;

    std::size_t message_bytes = 1024 * 1024; ///< a larger message closes the connection with 1009
    /// What the kernel may hold that is not on its way yet. A message waits behind it.
    std::size_t unsent_bytes = 64 * 1024;
    std::chrono::seconds handshake_time{10}; ///< TCP, TLS and upgrade together (client)
    std::chrono::seconds write_time{30};     ///< one message; a peer that does not read is cut off
    std::chrono::seconds close_time{3};      ///< to answer our close frame
};

enum class MessageKind { text, binary };

struct Message {
    Message() = default;
    Message(MessageKind what, std::string bytes) : kind(what), data(std::move(bytes)) {}

    MessageKind kind = MessageKind::text;
    std::string data;
};

/// Why it ended. 1000 normal, 1001 going away, 1006 nothing was said; RFC 6455 section 7.4, ours
/// from 4000.
struct CloseReason {
    CloseReason() = default;

    std::uint16_t code = 1006;
    std::string text;
};

/// Where a client connects to.
struct Endpoint {
    Endpoint() = default;

    std::string host;
    std::uint16_t port = 443;
    std::string path = "/";
    std::string alpn = "http/1.1";
};

/// An open WebSocket. Messages come from read(), go with write(). One coroutine may read while
/// another writes, not two of a kind: who has several writers puts a bounded queue before it. Use
/// it on one thread. Moved-from and destroyed sockets are cut off. No compression.
class WebSocket {
public:
    /// Errc::unavailable (no address, refused, lost), Errc::timeout, or Errc::unauthenticated with
    /// the codes of TlsClientContext. An HTTP answer other than 101 is Errc::forbidden for 401 and
    /// 403, Errc::unavailable otherwise, with the start of its body in detail(). `tls` must outlive
    /// the call.
    static Task<Result<WebSocket>>
    connect(Endpoint to, TlsClientContext& tls, WebSocketLimits limits);

    WebSocket(WebSocket&&) noexcept;
    WebSocket& operator=(WebSocket&&) noexcept;
    ~WebSocket();

    /// The next whole message. Errc::unavailable when the connection has ended (close_reason()
    /// tells how) or broke; Errc::invalid when the peer broke the protocol. Pings are answered
    /// while this waits.
    Task<Result<Message>> read();

    /// Sends one message; `data` must live until it returns. Errc::unavailable, Errc::timeout. A
    /// cancelled write leaves the socket unusable.
    Task<Result<>> write(MessageKind kind, std::string_view data);

    /// Sends a ping; the pong counts for last_heard(). Counts as a write.
    Task<Result<>> ping();

    /// Says goodbye, waits for the answer (or close_time) and ends the connection. The caller must
    /// not be reading or writing any more. `reason` is cut at 123 bytes. A coroutine that was
    /// cancelled awaits `asio::this_coro::reset_cancellation_state()` first; a read that was
    /// cancelled does no harm, a write does.
    Task<> close(std::uint16_t code, std::string reason);

    /// Ends it now, without a word. What is under way fails.
    void abort();

    const PeerInfo& peer() const;
    /// What the peer said, or why we ended it.
    const CloseReason& close_reason() const;
    /// When anything last came from the peer.
    std::chrono::steady_clock::time_point last_heard() const;

    struct Impl;
    explicit WebSocket(std::unique_ptr<Impl> impl);

private:
    std::unique_ptr<Impl> impl_;
};

} // namespace fairlead::net
