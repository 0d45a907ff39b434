#include "controller/app/terminals.hpp"

#include "controller/gateway/open_ssh.hpp"
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
        purpose.record = seat->record ? 1 : 0;
        return gateway::open_terminal(
            hub, pool, keys, seat->scope.org(), seat->server, std::move(purpose)
        );
    };
}

passage::Connections::Opener
sshd_of(gateway::Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys) {
    return [&](passage::Connections::Offer offer) {
        return gateway::open_ssh(
            hub, pool, keys, offer->caller->who.scope->org(), ServerId::trusted(offer->subject)
        );
    };
}

std::function<Task<>(std::shared_ptr<const api::SocketOffer>, net::WebSocket)>
served_by(terminal::Terminals& terminals, passage::Connections& connections) {
    return [&](std::shared_ptr<const api::SocketOffer> offer, net::WebSocket socket) {
        if (offer->to == api::SocketOffer::To::ssh)
            return connections.serve(std::move(offer), std::move(socket));
        return terminals.serve(std::move(offer), terminal::browser_of(std::move(socket)));
    };
}

} // namespace fairlead::app
