/// The routes of terminals.
#pragma once

#include "controller/api/change.hpp"
#include "controller/api/route_table.hpp"
#include "controller/terminal/directory.hpp"
#include "controller/terminal/ending.hpp"
#include "controller/terminal/tickets.hpp"

#include <functional>

namespace fairlead::terminal {

/// All of it outlives the table.
struct RouteParts {
    api::Desk desk;
    Directory& directory;
    const Tickets& tickets;
    /// Terminals::cut
    std::function<void(const TerminalId&, Ending)> cut;
};

void add_routes(api::RouteTable& table, const RouteParts& parts);

} // namespace fairlead::terminal
