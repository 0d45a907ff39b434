/// What access holds of an organization that is deleted.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"

namespace fairlead::access {

/// Its keys, the Connect-As grants given and received, support access and project limits; see
/// orgs::Eraser. Sessions of Connect-As stay as rows and end within seconds, with their entries in
/// the other organization's log.
Result<> erase(store::Connection& db, const api::OrgScope& scope);

} // namespace fairlead::access
