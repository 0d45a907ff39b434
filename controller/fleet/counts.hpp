/// What the organization asks of this subject: its numbers, its list of things, and in the end to
/// forget it. `app` hands them on.
#pragma once

#include "controller/orgs/orgs.hpp"

#include <boost/json/array.hpp>

namespace fairlead::fleet {

/// servers, servers_online
Result<> count(store::Connection& db, const api::OrgScope& scope, orgs::Counts& counts);

/// [{id, name, status}], the newest 1,000: for support.
Result<boost::json::array> inventory(store::Connection& db, const api::OrgScope& scope);

/// Everything that is left of an organization which is deleted; see orgs::Eraser.
Result<> erase(store::Connection& db, const api::OrgScope& scope);

} // namespace fairlead::fleet
