/// Tables of servers and registration tokens, one script a migration. `app` numbers them.
#pragma once

#include <string_view>

namespace fairlead::fleet {

extern const std::string_view first_tables;
/// Who terminals may be opened as.
extern const std::string_view terminal_users_column;

} // namespace fairlead::fleet
