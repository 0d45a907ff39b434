/// Tables of servers and registration tokens, one script a migration. `app` numbers them.
#pragma once

#include <string_view>

namespace fairlead::fleet {

extern const std::string_view first_tables;

} // namespace fairlead::fleet
