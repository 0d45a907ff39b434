/// Where the edge meets the rest of the controller.
#pragma once

#include "common/net/tls_context.hpp"
#include "common/store/store.hpp"
#include "controller/api/events.hpp"
#include "controller/app/settings.hpp"
#include "controller/edge/edge.hpp"
#include "controller/gateway/hub.hpp"
#include "controller/tunnels/tunnel_keys.hpp"

namespace fairlead::app {

/// What leads to console and API: the names of the configuration, and what else the certificate is
/// good for. All of these functions' arguments outlive what they return.
edge::Names own_names(const Settings& settings, const net::TlsServerContext& tls);

/// Streams to environments, over the links of their servers, signed with their organizations' keys.
edge::Opener streams_of(gateway::Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys);

/// What is routed, read anew where something was committed since the last time.
edge::Loader table_of(store::Store& store);

/// Whether it may have changed where a name leads.
bool concerns_edge(const api::Event& event);

} // namespace fairlead::app
