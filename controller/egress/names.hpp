/// Names to addresses, by the system's resolver.
#pragma once

#include "common/runtime/ip.hpp"
#include "common/runtime/result.hpp"

#include <string>
#include <vector>

namespace fairlead::egress {

/// Each once. Errc::unavailable, code "unreachable", when it has none, more than most_addresses,
/// or no resolver answers. Blocking; how long is the resolver's matter (RES_OPTIONS).
Result<std::vector<IpAddress>> addresses_of(const std::string& host);

} // namespace fairlead::egress
