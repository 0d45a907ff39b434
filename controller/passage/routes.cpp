#include "controller/passage/routes.hpp"

#include "controller/api/routes.hpp"
#include "controller/fleet/reachable.hpp"
#include "controller/fleet/server_repo.hpp"
#include "controller/ssh/key_repo.hpp"
#include "proto/messages.hpp"

namespace fairlead::passage {
namespace {

using api::Call;
using api::Response;
using fleet::Server;

Result<> can_be_reached(store::Connection& db, const api::OrgScope& scope, const Server& server) {
    FAIRLEAD_CHECK(fleet::check_reachable(server, proto::ssh_keys_since, "ssh came this way"));
    FAIRLEAD_TRY(word, ssh::KeyRepo(db, scope).word(server.id));
    if (word && word->port != 0) return {};
    return api::conflict(
        "ssh_not_offered",
        server.name + " does not let its sshd be reached this way" +
            (word && !word->problem.empty() ? ": " + word->problem : ".") +
            " Its root lets it by naming users in /etc/fairlead/policy.yaml:\n\nssh_keys:\n  - "
            "allow: [deploy]\n\nand then: systemctl restart fairlead-link"
    );
}

/// Nothing is opened yet: that is done, and written down, when the WebSocket is there.
Result<Response> connect(const Call& call, const api::Desk& desk) {
    FAIRLEAD_TRY(id, call.path_id<ServerId>("server"));
    return desk.store.read([&](store::Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(server, fleet::ServerRepo(db, call.scope()).get(id));
        FAIRLEAD_CHECK(can_be_reached(db, call.scope(), server));
        const auto& who = call.principal();
        Response response;
        auto& offer = response.socket.emplace();
        offer.subject = id.str();
        offer.user = who.user;
        offer.session = who.session.value_or(SessionId());
        offer.address = call.request().address;
        offer.to = api::SocketOffer::To::ssh;
        offer.caller = std::make_shared<const api::SocketCaller>(api::SocketCaller{
            who, call.actor(), server.name, call.now()});
        return response;
    });
}

} // namespace

void add_routes(api::RouteTable& table, const api::Desk& desk) {
    api::Routes routes(table, desk, "/api/v1/orgs/{org}/servers/{server}/ssh");
    routes.get("", "ssh.connect", &connect, {.socket = true});
}

} // namespace fairlead::passage
