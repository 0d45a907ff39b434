/// Steps of a schema: numbered from 1 without gaps, forward only, never edited once released.
#pragma once

#include "common/runtime/clock.hpp"

#include <span>
#include <string_view>

namespace fairlead::store {

class Connection;

struct Migration {
    int version;
    std::string_view name; ///< "first tables"
    std::string_view sql;  ///< a script without BEGIN and COMMIT
};

/// The version of the file's schema; 0 for an empty one.
int schema_version(Connection& db);

/// Brings the schema up to date, each step in its own transaction with the foreign keys checked
/// before it commits. A file that holds anything is copied to "<file>.before-<version>" first; the
/// three newest copies are kept. Throws StoreError: newer_schema when the file was written by a
/// newer program, and whatever a step throws (then the file is at the last step that succeeded).
void migrate(Connection& db, std::span<const Migration> migrations, Timestamp now);

} // namespace fairlead::store
