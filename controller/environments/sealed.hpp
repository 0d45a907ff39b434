/// The secrets of git credentials, variables and connectors, for a new master key.
#pragma once

#include "controller/api/sealed.hpp"

namespace fairlead::environments {

Result<> visit_sealed(store::Connection& db, const api::SealedVisitor& visit);

} // namespace fairlead::environments
