/// Where a controller is: "wss://host:port" as enrolment says it, "host:port" as a welcome does,
/// "https://host" as people do.
#pragma once

#include "common/runtime/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead::link {

struct Address {
    std::string host;
    std::uint16_t port = 443;

    std::string text() const; ///< "host:port", brackets around IPv6
    bool operator==(const Address&) const = default;
};

/// Errc::invalid with the text in the sentence.
Result<Address> parse_address(std::string_view text);

} // namespace fairlead::link
