/// Tables of projects, environments and what belongs to them, one script a migration. `app` numbers
/// them.
#pragma once

#include <string_view>

namespace fairlead::environments {

extern const std::string_view first_tables;
/// What is told of environments that a server holds and nobody here knows.
extern const std::string_view found_details;
extern const std::string_view backup_columns;
/// How an environment is reached.
extern const std::string_view exposure_column;
/// Exposure by cloudflared, and the tokens of its connectors.
extern const std::string_view connectors;
/// Whether mail is captured, and how much of it stays.
extern const std::string_view mail_columns;

} // namespace fairlead::environments
