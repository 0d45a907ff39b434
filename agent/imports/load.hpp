/// A foreign dump into an empty database: nothing of it may reach beyond that.
#pragma once

#include "agent/imports/source.hpp"

#include <stop_token>
#include <string>
#include <string_view>

namespace fairlead::imports {

/// psql with these versions has \restrict, by which a dump cannot give psql itself a command. "psql
/// (PostgreSQL) 15.18 (Debian …)".
bool can_restrict(std::string_view psql_version);

/// "15.18" of what `psql --version` says; empty: it says none.
std::string version_in(std::string_view psql_version);

/// Loads the database of `source` into `database`, as the user that this process is. What
/// PostgreSQL complains of comes as its code alone (SQLSTATE), without a word of the data. Codes:
/// "import_psql_old", "import_command_refused", "import_load_failed", and those of Source::sql.
Result<> load_database(
    Source& source, const std::string& database, const Progress& progress, std::stop_token stop
);

/// The reason in what psql said, as a sentence.
std::string explain_psql(std::string_view said);

} // namespace fairlead::imports
