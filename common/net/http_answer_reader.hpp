/// Reads one answer to an HTTP/1.1 request out of bytes, strictly, without I/O.
#pragma once

#include "common/net/http.hpp"
#include "common/net/http_server.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::net {

/// For who stands between a server and a client: what the two could read differently is refused, as
/// HttpReader does for requests. Interim answers (1xx but 101) are dropped, at most eight of them.
/// Trailers are read and dropped.
class HttpAnswerReader {
public:
    enum class State {
        head,   ///< not whole yet
        body,   ///< the head is complete
        done,   ///< everything is there; after 101 what follows is no HTTP
        refused ///< problem() says why
    };

    /// `method` is the request's: answers to HEAD have no body. Of `limits`, header_bytes,
    /// header_count and body_bytes count; the last is of what is not taken.
    HttpAnswerReader(const HttpLimits& limits, std::string_view method);
    ~HttpAnswerReader();

    /// Uses bytes of this answer only and says how many.
    std::size_t feed(std::string_view bytes);
    /// The server has ended: the end of a body that has no length, too early otherwise.
    void end();
    State state() const;

    // ---- from State::body on
    int status() const;
    const Headers& headers() const;
    /// What Content-Length says of the body, also where none comes (HEAD, 304).
    std::optional<std::uint64_t> length() const;
    /// Whether a body may come: no answer to HEAD, no 101, 204, 304.
    bool has_body() const;
    /// Whether another answer can follow on the connection.
    bool keep_alive() const;

    /// What has come of the body since the last call.
    std::string take_body();

    /// A sentence, after State::refused.
    const std::string& problem() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace fairlead::net
