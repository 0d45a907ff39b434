/// Where the edge meets the rest of the controller.
#pragma once

#include "common/net/tls_context.hpp"
#include "common/store/store.hpp"
#include "controller/api/events.hpp"
#include "controller/app/settings.hpp"
#include "controller/certificates/certificates.hpp"
#include "controller/edge/edge.hpp"
#include "controller/gateway/hub.hpp"
#include "controller/tunnels/tunnel_keys.hpp"

#include <set>
#include <string>

namespace fairlead::app {

/// The controller's own in the configuration, in the spelling of the edge: no organization gets
/// requests or a certificate for them.
std::set<std::string> own_names(const Settings& settings);

/// What leads to console and API: its own names, and what else the certificate is good for. All of
/// these functions' arguments outlive what they return.
edge::Names edge_names(const Settings& settings, const net::TlsServerContext& tls);

/// Streams to environments, over the links of their servers, signed with their organizations' keys.
edge::Opener streams_of(gateway::Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys);

/// The names that the edge routes at this moment of the database, with whose they are.
Result<certificates::Names> routed_names(store::Connection& db);

/// What is routed, read anew where something was committed since the last time.
edge::Loader table_of(store::Store& store);

/// Whether it may have changed where a name leads.
bool concerns_edge(const api::Event& event);

} // namespace fairlead::app
