/// The routes of servers, registration tokens, and of agents without a certificate.
#pragma once

#include "controller/api/route_table.hpp"
#include "controller/fleet/enrolment.hpp"
#include "controller/operations/operations.hpp"

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
    Issuer& issuer;
    /// "https://controller.example:8443": where install.sh is fetched.
    std::string url;
    /// "sha256//…" of the certificate's public key where it is self-signed, else "".
    std::string pin;
    /// "host:port" to dial, in order.
    std::vector<std::string> controllers;
};

void add_server_routes(api::RouteTable& table, const RouteParts& parts);
void add_token_routes(api::RouteTable& table, const RouteParts& parts);
void add_agent_routes(api::RouteTable& table, const RouteParts& parts);

/// What to paste on a server, as root.
std::string install_command(const std::string& url, const std::string& pin, std::string_view token);

}  // namespace fairlead::fleet
