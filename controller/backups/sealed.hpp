/// The keys of storages, for a new master key.
#pragma once

#include "controller/api/sealed.hpp"

namespace fairlead::backups {

Result<> visit_sealed(store::Connection& db, const api::SealedVisitor& visit);

} // namespace fairlead::backups
