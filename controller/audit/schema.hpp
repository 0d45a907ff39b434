/// Tables of audit; `app` numbers the scripts in the list of the whole program.
#pragma once

#include <string_view>

namespace fairlead::audit {

extern const std::string_view first_tables;
extern const std::string_view lasting_table;
extern const std::string_view signed_horizons;

} // namespace fairlead::audit
