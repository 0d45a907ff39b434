/// Reads from the database what is routed.
#pragma once

#include "common/runtime/result.hpp"
#include "common/store/connection.hpp"
#include "controller/edge/table.hpp"

namespace fairlead::edge {

/// The names of environments that are exposed by the tunnel, as far as a verified domain of the
/// same organization covers them: nothing else is ever routed. Ports are those of the live release.
/// A name that several environments list is that of the oldest. One moment of the database.
Result<Table> load_table(store::Connection& db);

} // namespace fairlead::edge
