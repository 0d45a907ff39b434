/// Reads one HTTP/1.1 request after another out of bytes, strictly, without I/O.
#pragma once

#include "common/net/http.hpp"
#include "common/net/http_server.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::net {

/// What is wrong with a request, as it is answered. The connection ends after it: what follows
/// cannot be trusted.
struct HttpProblem {
    HttpProblem(int code, std::string_view sentence) : status(code), reason(sentence) {}
    int status;
    std::string reason;
};

/// Feed bytes, look at state(). Refuses what proxies and servers are known to read differently:
/// both length fields, any transfer coding but "chunked", lengths that repeat, folded lines, bare
/// line feeds, spaces before the colon, several Host fields, control characters. Trailers are read
/// and dropped.
class HttpReader {
public:
    explicit HttpReader(const HttpLimits& limits);
    HttpReader(HttpReader&&) noexcept;
    ~HttpReader();

    enum class State {
        idle,   ///< between requests, nothing has come
        head,   ///< somewhere in request line and fields
        body,   ///< the head is complete: request() holds it
        done,   ///< take() the request
        refused ///< problem() says why
    };

    /// Uses bytes of the current request only and says how many; keep the rest for after take().
    std::size_t feed(std::string_view bytes);
    State state() const;

    /// Valid from State::body on.
    const HttpRequest& request() const;
    bool keep_alive() const;
    bool http_1_0() const;
    /// The client waits for "100 Continue" before it sends the body. True once.
    bool expects_continue();

    const HttpProblem& problem() const;

    /// What has come of the body since the last call, for who does not wait for all of it: then
    /// HttpLimits::body_bytes is of what is not taken, and of a Content-Length.
    std::string take_body();

    /// Hands the request over and waits for the next one.
    HttpRequest take();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace fairlead::net
