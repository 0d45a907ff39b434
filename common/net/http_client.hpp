/// One HTTPS request at a time, blocking: enrolment, recovery, fetching a file. Not for the I/O
/// thread.
#pragma once

#include "common/net/http.hpp"
#include "common/net/tls_context.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead::net {

/// "https://host[:port]/path?query" taken apart. Errc::invalid for anything else (other scheme,
/// user name, fragment).
struct Url {
    Url() = default;
    static Result<Url> parse(std::string_view text);

    std::string host; ///< lower case; without the brackets of an IPv6 address
    std::uint16_t port = 443;
    std::string target = "/";
    std::string host_field() const; ///< as the Host field wants it
};

struct HttpClientOptions {
    HttpClientOptions() = default;

    std::chrono::milliseconds limit{30'000}; ///< for everything together
    std::size_t body_bytes = 1024 * 1024;    ///< a larger answer is Errc::invalid
    Headers headers;                         ///< sent along
    std::string alpn = "http/1.1";           ///< or recover_alpn
};

struct HttpAnswer {
    HttpAnswer() = default;

    int status = 0;
    Headers headers;
    std::string body;
};

/// Sends one request on its own connection and returns whatever status came. No redirects are
/// followed. Errors as WebSocket::connect has them.
Result<HttpAnswer> http_request(
    TlsClientContext& tls, std::string_view method, const Url& url, std::string_view body,
    const HttpClientOptions& options = HttpClientOptions()
);

/// The same over a stream socket that leads to the server already, such as a proxy's.
Result<HttpAnswer> http_request_over(
    Descriptor connection, TlsClientContext& tls, std::string_view method, const Url& url,
    std::string_view body, const HttpClientOptions& options = HttpClientOptions()
);

/// POST of a JSON text.
Result<HttpAnswer> post_json(
    TlsClientContext& tls, const Url& url, std::string_view json,
    HttpClientOptions options = HttpClientOptions()
);

} // namespace fairlead::net
