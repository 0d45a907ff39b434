#include "controller/app/terminals.hpp"

#include "controller/gateway/open_terminal.hpp"

namespace fairlead::app {

terminal::Terminals::Opener
shells_of(gateway::Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys) {
    return [&](terminal::SeatPtr seat) {
        proto::TerminalPurpose purpose;
        purpose.kind = proto::TerminalPurpose::terminal_kind;
        purpose.terminal = seat->id.str();
        purpose.user = seat->unix_user;
        purpose.columns = seat->size.columns;
        purpose.rows = seat->size.rows;
        return gateway::open_terminal(
            hub, pool, keys, seat->scope.org(), seat->server, std::move(purpose)
        );
    };
}

std::function<Task<>(std::shared_ptr<const api::SocketOffer>, net::WebSocket)>
served_by(terminal::Terminals& terminals) {
    return [&terminals](std::shared_ptr<const api::SocketOffer> offer, net::WebSocket socket) {
        return terminals.serve(std::move(offer), terminal::browser_of(std::move(socket)));
    };
}

} // namespace fairlead::app
