/// Tables of projects, environments and what belongs to them, one script a migration. `app` numbers
/// them.
#pragma once

#include <string_view>

namespace fairlead::environments {

extern const std::string_view first_tables;

} // namespace fairlead::environments
