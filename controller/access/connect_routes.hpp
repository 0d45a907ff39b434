/// /api/v1/orgs/{org}/connect/… and /api/v1/connect
#pragma once

#include "controller/access/connect.hpp"
#include "controller/access/connect_visits.hpp"
#include "controller/access/limits.hpp"
#include "controller/api/change.hpp"
#include "controller/api/route_table.hpp"
#include "controller/orgs/plans.hpp"

namespace fairlead::access {

struct ConnectRoutes {
    api::Desk desk;
    Connect& connect;
    const ConnectTokens& tokens;
    ConnectVisits& visits;
    const orgs::Plans& plans;
    UnknownProjects unknown_projects;
};

/// What a client gives, and what an agency was given. `parts` outlives the table.
void add_connect_grant_routes(api::RouteTable& table, const ConnectRoutes& parts);
/// Beginning, seeing and ending sessions.
void add_connect_session_routes(api::RouteTable& table, const ConnectRoutes& parts);

} // namespace fairlead::access
