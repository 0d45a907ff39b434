/// Names of Unix users, as both sides take them.
#pragma once

#include <string_view>

namespace fairlead::proto {

/// Whether it could be the name of a Unix user: 1 to 32 of a-z, A-Z, 0-9, _ . and -, none of the
/// last two first.
bool is_unix_name(std::string_view name);

} // namespace fairlead::proto
