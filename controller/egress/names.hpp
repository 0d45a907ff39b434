/// Names to addresses, and to the records that prove them, by the system's resolver.
#pragma once

#include "common/runtime/ip.hpp"
#include "common/runtime/result.hpp"

#include <string>
#include <vector>

namespace fairlead::egress {

/// Each once. Errc::unavailable, code "unreachable", when it has none, more than most_addresses,
/// or no resolver answers. Blocking; how long is the resolver's matter (RES_OPTIONS).
Result<std::vector<IpAddress>> addresses_of(const std::string& host);

/// The TXT records of `_fairlead-challenge.<host>` that begin with `fairlead-domain=`, in printable
/// ASCII; empty when there are none. Errc::unavailable, code "resolver_failed", when that cannot be
/// known; "unreachable" when there are more than most_texts. Blocking, as above.
Result<std::vector<std::string>> challenge_texts(const std::string& host);

} // namespace fairlead::egress
