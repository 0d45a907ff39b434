/// How a membership ends.
#pragma once

#include "controller/members/member_repo.hpp"
#include "controller/members/members.hpp"

namespace fairlead::members {

/// The membership with all that hangs on it; the caller writes the entry. Errc::conflict
/// (last_owner).
Result<> take_out(
    store::UnitOfWork& unit, const api::OrgScope& scope, const Parts& parts, const Member& member,
    Timestamp now
);

/// Every membership of somebody whose account goes. Errc::conflict (last_owner).
Result<>
take_out_of_all(store::UnitOfWork& unit, const Parts& parts, const UserId& user, Timestamp now);

/// DELETE /api/v1/memberships/{org}: whoever wants to leave may. Errc::conflict (last_owner).
Result<api::Response> leave(const api::Call& call, const Parts& parts);

} // namespace fairlead::members
