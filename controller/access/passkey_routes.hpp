/// /api/v1/account/passkeys, /session/passkey, /session/second-factor/passkey,
/// /session/elevate/passkey
#pragma once

#include "controller/access/passkey_proofs.hpp"
#include "controller/access/passkeys.hpp"
#include "controller/access/session_view.hpp"
#include "controller/api/route_table.hpp"

namespace fairlead::access {

/// The referenced things outlive the table.
struct PasskeyRoutes {
    Passkeys& passkeys;
    PasskeyProofs& proofs;
    const SessionView& view;
};

void add_passkey_routes(api::RouteTable& table, PasskeyRoutes parts);

} // namespace fairlead::access
