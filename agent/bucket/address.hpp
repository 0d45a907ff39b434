/// Where a bucket is: endpoint, addressing and keys as URLs.
#pragma once

#include "common/runtime/result.hpp"
#include "proto/operations.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::bucket {

/// Names and values of a query or of a head, as they are before any encoding.
using Pairs = std::vector<std::pair<std::string, std::string>>;

/// Whether "http://" may be an endpoint: only for a server of a test, on this very machine.
enum class Plain { refused, loopback };

struct Endpoint {
    bool tls = true;
    std::string host; ///< a name or an address; IPv6 without brackets
    std::uint16_t port = 443;

    /// What the header Host says: no port where it is the scheme's own.
    std::string authority() const;
    std::string url() const; ///< "https://s3.example.com:9000"
};

/// Errc::invalid with code "storage_invalid": no https, a path, a query, a user.
Result<Endpoint> parse_endpoint(std::string_view url, Plain plain = Plain::refused);

/// Errc::invalid with code "storage_invalid" and the field that is wrong: bucket, prefix, region.
Result<> check_storage(const proto::Storage& storage);

/// All but A-Z a-z 0-9 - . _ ~ becomes %XX; '/' too, unless it is kept.
std::string uri_encode(std::string_view text, bool keep_slash = false);
/// The other way, lenient: what is no %XX stays as it is.
std::string uri_decode(std::string_view text);

/// "a=1&b=" in the order that Signature Version 4 wants.
std::string query_of(Pairs query);

/// The host that a bucket is asked at, and the path of a key in it.
struct Place {
    Endpoint endpoint;
    std::string path; ///< encoded, begins with a slash
};
/// `key` is whole, with the storage's prefix; empty: the bucket itself.
Place place_of(const Endpoint& endpoint, const proto::Storage& storage, std::string_view key);

} // namespace fairlead::bucket
