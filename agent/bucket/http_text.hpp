/// HTTP/1.1 heads as text, without a socket.
#pragma once

#include "agent/bucket/address.hpp"
#include "common/runtime/clock.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::bucket {

inline constexpr std::size_t max_head_bytes = 64 * 1024;

/// An answer without its body.
struct Head {
    int status = 0;
    Pairs headers; ///< names in lower case

    std::string_view at(std::string_view name) const; ///< empty where it is absent
    std::optional<std::uint64_t> length() const;      ///< Content-Length, where it is a number
    bool chunked() const;
    bool closes() const; ///< no second request on this connection
};

/// `text` ends with the empty line. Errc::invalid: no HTTP/1.x, or two lengths that differ.
Result<Head> parse_head(std::string_view text);

/// An ETag without its quotes, and without what says that it is weak.
std::string_view plain_etag(std::string_view etag);

/// RFC 9110's IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT".
std::optional<Timestamp> parse_http_date(std::string_view text);

/// Retry-After: seconds, or a date seen from `now`; never negative.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view text, Timestamp now);

} // namespace fairlead::bucket
