/// What the listener calls for each HTTP request, and what it takes back.
#pragma once

#include "common/async/task.hpp"
#include "common/net/http.hpp"
#include "common/net/websocket.hpp"
#include "common/runtime/result.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace fairlead::net {

/// A response body written piece by piece. write() returns when the piece is with the kernel: that
/// is the back-pressure. When the peer goes away, the coroutine that writes is cancelled.
class BodyWriter {
public:
    virtual Task<Result<>> write(std::string_view piece) = 0;

protected:
    ~BodyWriter() = default;
};

/// An answer. Content-Length, Date and Connection are added by the server.
struct HttpResponse {
    HttpResponse() = default;
    explicit HttpResponse(int code) : status(code) {}
    HttpResponse(int code, std::string_view content_type, std::string text)
        : status(code), body(std::move(text)) {
        headers.add("content-type", content_type);
    }

    int status = 200;
    Headers headers;

    /// The body is `shared_body` when set (sent without a copy, kept alive until sent), else
    /// `static_body` when not empty (must live for ever), else `body`.
    std::string body;
    std::shared_ptr<const std::string> shared_body;
    std::string_view static_body;

    /// When set, the body is what this writes (chunked). The connection stays open as long as it
    /// runs; there is no deadline beyond a stalled write. Never called for HEAD.
    std::function<Task<>(BodyWriter&)> stream;

    /// When set and the request was `wants_websocket`, the connection becomes a WebSocket and this
    /// runs on it; `headers` are added to the 101. The status must be 101.
    std::function<Task<>(WebSocket)> upgrade;
    WebSocketLimits upgrade_limits;

    bool close = false; ///< end the connection after this answer

    std::string_view content() const {
        return shared_body           ? std::string_view(*shared_body)
               : static_body.empty() ? std::string_view(body)
                                     : static_body;
    }
};

/// Runs on the I/O thread; blocking work goes through offload(). What it throws becomes a 500 and a
/// log line.
using HttpHandler = std::function<Task<HttpResponse>(HttpRequest)>;

/// Makes the answer to what the parser refuses (400, 408, 413, 414, 431, 501, 505, 503), so that
/// the API can send problem documents. `reason` is a sentence. Called without a request, because
/// there is none.
using HttpRefusal = std::function<HttpResponse(int status, std::string_view reason)>;

struct HttpLimits {
    std::size_t header_bytes = 16 * 1024; ///< request line and fields; 431
    std::size_t header_count = 100;       ///< 431
    std::size_t target_bytes = 8 * 1024;  ///< 414
    std::size_t body_bytes = 1024 * 1024; ///< 413
    std::chrono::seconds header_time{
        10}; ///< from the first byte of a request to the end of its head; 408
    std::chrono::seconds body_time{60};    ///< for the whole body; 408
    std::chrono::seconds idle_time{75};    ///< between requests, then the connection is closed
    std::chrono::seconds handler_time{60}; ///< for the handler; then 503
    std::chrono::seconds write_time{60};   ///< for the answer, and for each piece of a stream
};

} // namespace fairlead::net
