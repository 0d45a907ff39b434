/// The tables of pushes.
#pragma once

#include <string_view>

namespace fairlead::pushes {

extern const std::string_view first_tables;

} // namespace fairlead::pushes
