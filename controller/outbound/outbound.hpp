/// Requests to addresses that users gave: https only, to public addresses only, and by the egress
/// program only. Blocking, for worker threads.
#pragma once

#include "common/net/http.hpp"
#include "common/runtime/result.hpp"

#include <chrono>
#include <cstddef>
#include <stop_token>
#include <string>

namespace fairlead::outbound {

struct Request {
    std::string method = "GET";
    std::string url; ///< https
    net::Headers headers;
    std::string body;
    unsigned redirects =
        0; ///< that are followed, at most 3; each is checked anew. 0: told as they are
    std::chrono::milliseconds limit{15'000}; ///< for everything together
    std::size_t body_bytes =
        64 * 1024; ///< of the answer; a longer one is Errc::invalid, code "outbound_too_large"
    std::stop_token stop; ///< ends it at once, wherever it is
};

struct Answer {
    int status = 0;
    net::Headers headers;
    std::string body;
};

/// The one way to what is outside. Thread-safe.
class Outbound {
public:
    virtual ~Outbound() = default;

    /// What can be said of an address before anything is sent: scheme, user name, port, odd
    /// spellings of addresses, a name that is one of an internal network. Codes: "url_invalid",
    /// "url_refused". Does not resolve.
    virtual Result<> check(const std::string& url) const = 0;

    /// Codes: those of check(), "address_refused" (resolves to what is not on the internet),
    /// "redirect_refused", "outbound_unreachable" (no such name, refused, timed out),
    /// "outbound_tls" (certificate or protocol), "outbound_cut", "outbound_too_large",
    /// "egress_missing" (the egress program does not run), "outbound_busy" (too many at once, here
    /// or there: try later). A header that the connection itself needs (host, content-length, ...)
    /// or that has a line break is Errc::invalid, "outbound_header". "outbound_stopped" after
    /// `stop`: whether the other side has seen the request is not known.
    virtual Result<Answer> send(const Request& request) = 0;
};

} // namespace fairlead::outbound
