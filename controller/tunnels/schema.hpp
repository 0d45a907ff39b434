/// The table of tunnel keys.
#pragma once

#include <string_view>

namespace fairlead::tunnels {

extern const std::string_view first_tables;

} // namespace fairlead::tunnels
