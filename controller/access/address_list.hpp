/// Addresses and networks that a caller must come from.
#pragma once

#include "common/runtime/result.hpp"

#include <span>
#include <string>
#include <string_view>

namespace fairlead::access {

/// "192.0.2.7", "192.0.2.0/24", "2001:db8::/32" with all bits outside the prefix zero, in the
/// shortest spelling. Errc::invalid says what is wrong.
Result<std::string> normal_network(std::string_view text);

/// True when one of `networks` (normal ones) holds the address; an IPv4 address that comes as
/// ::ffff:192.0.2.7 is 192.0.2.7. An empty list holds nothing.
bool holds(std::span<const std::string> networks, std::string_view address);

} // namespace fairlead::access
