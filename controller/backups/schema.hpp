/// Tables of backups. `app` numbers them in the list of the whole program.
#pragma once

#include <string_view>

namespace fairlead::backups {

extern const std::string_view first_tables;
extern const std::string_view copy_tables;

} // namespace fairlead::backups
