/// Somebody who asks for a terminal.
#pragma once

#include "controller/terminal/tickets.hpp"

namespace fairlead::terminal {

inline Seat seat_at(Timestamp now) {
    return {
        .id = TerminalId::make(now),
        .scope = api::ScopeIssuer::scope(OrgId::trusted("org_A")),
        .server = ServerId::trusted("srv_A"),
        .server_name = "fra-1",
        .unix_user = "deploy",
        .size = {80, 24},
        .user = UserId::trusted("usr_A"),
        .email = "ann@example.org",
        .session = SessionId::trusted("ses_A"),
        .address = "192.0.2.7",
        .actor = {},
        .made = now,
        .expires = now + ticket_lasts,
        .until = {},
        .bonds = {"ses_A", "org_A/usr_A"}};
}

} // namespace fairlead::terminal
