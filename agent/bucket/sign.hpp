/// AWS Signature Version 4 in a request's head, as the API reference of S3 describes it
/// ("Authenticating Requests: Using the Authorization Header").
#pragma once

#include "agent/bucket/access.hpp"
#include "agent/bucket/address.hpp"
#include "common/runtime/clock.hpp"

#include <string>
#include <string_view>

namespace fairlead::bucket {

/// SHA-256 of nothing, in hex: what a request without a body signs.
inline constexpr std::string_view sha256_of_nothing =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct Unsigned {
    std::string_view method;
    std::string_view path;  ///< encoded once, as it is sent
    std::string_view query; ///< of `query_of`
    const Pairs* headers;   ///< every one is signed; names in any case
    std::string_view payload_sha256;
};

/// "20130524T000000Z"
std::string amz_date(Timestamp at);

/// What is hashed first: the request in the one form that both sides come to.
std::string canonical_request(const Unsigned& request);

/// The value of the header Authorization. `headers` must have Host and X-Amz-Date of the same `at`.
std::string authorization(
    const Unsigned& request, const Access& access, std::string_view region, Timestamp at,
    std::string_view service = "s3"
);

} // namespace fairlead::bucket
