/// Tables of operations, one script a migration. `app` numbers them in the list of the whole
/// program.
#pragma once

#include <string_view>

namespace fairlead::operations {

extern const std::string_view first_tables;
extern const std::string_view operation_projects;
extern const std::string_view operation_origins;
extern const std::string_view age_of_logs;
extern const std::string_view sealed_results;

} // namespace fairlead::operations
