/// Tables of sso; `app` numbers the scripts in the list of the whole program.
#pragma once

#include <string_view>

namespace fairlead::sso {

extern const std::string_view first_tables;

} // namespace fairlead::sso
