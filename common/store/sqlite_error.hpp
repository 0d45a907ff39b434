/// Turns SQLite's codes into our two channels. For this folder's .cpp files only.
#pragma once

#include "common/runtime/result.hpp"

#include <string_view>

struct sqlite3;

namespace fairlead::store {

/// Throws the StoreError for what the connection last reported.
[[noreturn]] void raise(sqlite3* db, int code, std::string_view doing);

/// Errc::conflict for UNIQUE, PRIMARY KEY and FOREIGN KEY; throws for everything else.
Error conflict_or_raise(sqlite3* db, int code, std::string_view doing);

} // namespace fairlead::store
