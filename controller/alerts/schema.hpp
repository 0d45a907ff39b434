/// Tables of this subject; numbered in controller/app/schema.cpp.
#pragma once

#include <string_view>

namespace fairlead::alerts {

extern const std::string_view first_tables;

} // namespace fairlead::alerts
