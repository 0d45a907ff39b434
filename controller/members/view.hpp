/// Members as the API shows them.
#pragma once

#include "controller/api/call.hpp"
#include "controller/members/member_repo.hpp"
#include "controller/members/members.hpp"

#include <boost/json/object.hpp>

namespace fairlead::members {

/// With their projects and all that they may do under the organization's plan.
Result<boost::json::object> describe(
    store::Connection& db, const api::OrgScope& scope, const Parts& parts, const Member& member
);

/// An entry about a member, to be completed.
api::Act act_on(const Member& member, std::string action);

} // namespace fairlead::members
