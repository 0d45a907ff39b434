/// The tables of SSH keys.
#pragma once

#include <string_view>

namespace fairlead::ssh {

extern const std::string_view first_tables;

} // namespace fairlead::ssh
