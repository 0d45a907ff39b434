#include "controller/members/routes.hpp"

namespace fairlead::members {

void end_streams(
    store::UnitOfWork& unit, const api::OrgScope& scope, const UserId& user, api::EventSink& events
) {
    unit.after_commit([&events, bond = api::bond_of(scope.org(), user)] {
        events.end_streams(bond);
    });
}

void add_routes(api::RouteTable& table, const Parts& parts) {
    add_permission_routes(table, parts);
    add_member_routes(table, parts);
    add_rights_routes(table, parts);
    add_owner_routes(table, parts);
    add_role_routes(table, parts);
    add_invitation_routes(table, parts);
    add_security_routes(table, parts);
}

} // namespace fairlead::members
