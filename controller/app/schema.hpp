/// The schema of the whole controller: every subject's scripts in one numbered list.
#pragma once

#include "common/runtime/result.hpp"
#include "common/store/migration.hpp"

#include <span>

namespace fairlead::app {

std::span<const store::Migration> schema();

/// Errc::conflict, with what to do, unless the database has exactly this schema.
Result<> expect_schema(store::Connection& db);

} // namespace fairlead::app
