/// The routes of members, ownership, invitations, roles and security settings.
#pragma once

#include "controller/api/route_table.hpp"
#include "controller/members/members.hpp"

namespace fairlead::members {

/// `parts` outlives the table.
void add_routes(api::RouteTable& table, const Parts& parts);

void add_permission_routes(api::RouteTable& table, const Parts& parts);
void add_member_routes(api::RouteTable& table, const Parts& parts);
void add_rights_routes(api::RouteTable& table, const Parts& parts);
void add_owner_routes(api::RouteTable& table, const Parts& parts);
void add_role_routes(api::RouteTable& table, const Parts& parts);
void add_invitation_routes(api::RouteTable& table, const Parts& parts);
void add_security_routes(api::RouteTable& table, const Parts& parts);

} // namespace fairlead::members
