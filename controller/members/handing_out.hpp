/// Nobody hands out more than they hold.
#pragma once

#include "controller/access/rights.hpp"
#include "controller/api/principal.hpp"
#include "controller/orgs/standing.hpp"

namespace fairlead::members {

/// What somebody holds with `after` and did not with `before`: as it counts now, and as it would
/// count without a limit to projects, which somebody else may lift later.
access::Rights gained(const orgs::Standing& before, const orgs::Standing& after);

/// Errc::forbidden (permission_not_held, fact permission) unless `who` holds all of these.
Result<> may_hand_out(const api::Principal& who, const access::Rights& codes);

/// Errc::forbidden (owner_required): what an owner is, owners alone change.
Result<> may_touch(const api::Principal& who, bool target_is_owner);

} // namespace fairlead::members
