/// The table of imports.
#pragma once

#include <string_view>

namespace fairlead::imports {

extern const std::string_view first_tables;

} // namespace fairlead::imports
