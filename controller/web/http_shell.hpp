/// Between the HTTP server and the plain core: requests go to the router on a worker thread,
/// everything else that a browser fetches comes from the embedded console.
#pragma once

#include "common/async/task.hpp"
#include "common/async/worker_pool.hpp"
#include "common/net/http_server.hpp"
#include "common/runtime/clock.hpp"
#include "controller/api/router.hpp"
#include "controller/web/event_hub.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace fairlead::web {

struct HttpShellOptions {
    std::size_t queue_limit =
        512; ///< requests waiting for a worker; one more is told to come back (503)
    std::size_t hash_queue_limit = 64; ///< the same of those that hash passwords
    bool access_log = true;
};

/// Use it on the I/O thread. Everything handed in outlives it.
class HttpShell {
public:
    struct Parts {
        api::Router& router;
        EventHub& events;
        WorkerPool& workers;
        WorkerPool& hashers; ///< for routes that hash passwords
        const Clock& clock;
        /// What runs on a WebSocket that a route has offered (api::Response::socket).
        std::function<Task<>(std::shared_ptr<const api::SocketOffer>, net::WebSocket)> sockets{};
        net::WebSocketLimits socket_limits{};
        /// What writes a body that a route has offered (api::Response::offer), once it is there.
        std::function<Task<Result<std::function<Task<>(net::BodyWriter&)>>>(std::string)> bodies{};
    };
    HttpShell(const Parts& parts, HttpShellOptions options) : parts_(parts), options_(options) {}

    Task<net::HttpResponse> handle(net::HttpRequest request);

    /// Problem documents for what never became a request.
    static net::HttpResponse refuse(int status, std::string_view reason);

private:
    Task<net::HttpResponse> ask_router(const net::HttpRequest& request);
    net::HttpResponse stream(api::EventStream events);
    net::HttpResponse become_socket(api::SocketOffer offer);
    net::HttpResponse stream_pieces(api::Response&& response);
    Task<net::HttpResponse> stream_offer(api::Response response, std::string request_id);

    Parts parts_;
    HttpShellOptions options_;
};

/// The answer for a path outside the API: a file, the console's page for its own routes, or nothing
/// for others.
net::HttpResponse console_page(const net::HttpRequest& request);

/// What every answer carries: no sniffing, no framing, no referrer, HTTPS only.
void add_security_headers(net::Headers& headers);

} // namespace fairlead::web
