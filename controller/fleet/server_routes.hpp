/// The routes of servers, registration tokens, and of agents without a certificate.
#pragma once

#include "controller/api/change.hpp"
#include "controller/api/route_table.hpp"
#include "controller/authority/authority.hpp"
#include "controller/fleet/enrolment.hpp"
#include "controller/fleet/measure_watch.hpp"
#include "controller/fleet/ssh_watch.hpp"
#include "controller/install/face.hpp"
#include "controller/operations/operations.hpp"

#include <functional>
#include <string>
#include <vector>

namespace fairlead::fleet {

/// What the routes work with; all of it outlives the table.
struct RouteParts {
    store::Store& store;
    api::EventSink& events;
    api::AuditLog& audit;
    operations::Operations& operations;
    operations::Links& links;
    Enrolment& enrolment;
    authority::Authority& authority;
    /// How the controller looks from a server; asked for each new token, since a certificate may be
    /// replaced.
    std::function<install::Face()> face;
    /// "host:port" to dial, in order.
    std::vector<std::string> controllers;
    SshWatch* ssh_watch = nullptr;         ///< hears of servers that are revoked
    MeasureWatch* measure_watch = nullptr; ///< hears of servers that are deleted

    api::Desk desk() const { return {store, audit, events}; }
};

void add_server_routes(api::RouteTable& table, const RouteParts& parts);
void add_token_routes(api::RouteTable& table, const RouteParts& parts);
void add_agent_routes(api::RouteTable& table, const RouteParts& parts);

} // namespace fairlead::fleet
