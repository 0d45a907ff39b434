#include "controller/terminal/routes.hpp"

#include "common/json/json.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/routes.hpp"
#include "controller/environments/counts.hpp"
#include "controller/fleet/reachable.hpp"
#include "controller/fleet/server_repo.hpp"
#include "controller/fleet/server_view.hpp"
#include "controller/terminal/journal.hpp"
#include "proto/messages.hpp"
#include "proto/unix_name.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::terminal {
namespace {

using api::Call;
using api::Change;
using api::Response;
using fleet::Server;
using fleet::ServerRepo;

struct Wanted {
    std::string user;
    std::optional<std::uint16_t> columns, rows;
    std::optional<bool> record;
};
BOOST_DESCRIBE_STRUCT(Wanted, (), (user, columns, rows, record))

/// What root on the server has to write, so that nobody has to look for it.
std::string cure(std::string_view user) {
    return fmt::format(
        "Its root allows it in /etc/fairlead/policy.yaml:\n\nterminal:\n  - allow: [{}]\n\nand "
        "then: "
        "systemctl restart fairlead-link",
        user
    );
}

Result<> may_be_opened(const Server& server, const std::string& user) {
    FAIRLEAD_CHECK(fleet::check_reachable(server, proto::terminals_since, "there were terminals"));
    auto users = fleet::terminal_users(server);
    if (users.empty())
        return api::conflict(
            "terminals_not_allowed", server.name + " allows no terminals. " + cure(user)
        );
    if (std::ranges::find(users, user) == users.end())
        return api::conflict(
            "terminal_user_not_allowed",
            fmt::format(
                "{} allows no terminal as \"{}\", or has no such user with a login shell. {}",
                server.name, user, cure(user)
            )
        );
    return {};
}

Result<Response> open(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(id, call.path_id<ServerId>("server"));
    FAIRLEAD_TRY(wanted, call.body<Wanted>());
    proto::TerminalSize size{wanted.columns.value_or(80), wanted.rows.value_or(24)};
    api::Checks checks;
    checks.that(
        proto::is_unix_name(wanted.user), "user", "must be the name of a Unix user of the server"
    );
    checks.range("columns", size.columns, 1, proto::most_terminal_cells);
    checks.range("rows", size.rows, 1, proto::most_terminal_cells);
    FAIRLEAD_CHECK(checks.result());
    return api::change(call, parts.desk, [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(server, ServerRepo(change.db(), change.scope()).get(id));
        const auto& who = call.principal();
        FAIRLEAD_TRY(
            production, environments::production_on(change.db(), change.scope(), server.id)
        );
        if (production || who.key) FAIRLEAD_CHECK(who.proved_lately(call.now()));
        FAIRLEAD_CHECK(may_be_opened(server, wanted.user));
        Seat seat{
            .id = TerminalId::make(call.now()),
            .scope = change.scope(),
            .server = server.id,
            .server_name = server.name,
            .unix_user = wanted.user,
            .size = size,
            .record = wanted.record.value_or(false),
            .user = who.user,
            .email = who.email,
            .session = who.session.value_or(SessionId()),
            .address = call.request().address,
            .actor = change.actor(),
            .made = call.now(),
            .expires = call.now() + ticket_lasts,
            .until = who.until,
            .bonds = who.bonds()};
        FAIRLEAD_TRY(held, parts.directory.reserve(std::move(seat)));
        change.record(act_on(*held, "terminal.ticket"));
        auto ticket = parts.tickets.sign(*held);
        return api::answer(
            boost::json::object{
                {"terminal", to_json(*held, State::waiting)},
                {"ticket", ticket.reveal()},
                {"expires_at", to_rfc3339(held->expires)}},
            201
        );
    });
}

Result<Response> list(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(id, call.path_id<ServerId>("server"));
    FAIRLEAD_CHECK(parts.desk.store.read([&](store::Connection& db) {
        return ServerRepo(db, call.scope()).get(id);
    }));
    boost::json::array items;
    for (const auto& one : parts.directory.of_server(call.scope().org(), id, call.now()))
        items.push_back(to_json(*one.seat, one.state));
    return api::answer(boost::json::object{{"data", std::move(items)}});
}

Result<Response> end(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(server, call.path_id<ServerId>("server"));
    FAIRLEAD_TRY(id, call.path_id<TerminalId>("terminal"));
    auto seat = parts.directory.find(call.scope().org(), id);
    if (!seat || seat->server != server)
        return fail(Errc::not_found, "There is no such terminal, or it has ended.");
    auto by = call.principal().key ? call.principal().key_name : call.principal().email;
    return api::change(call, parts.desk, [&](Change& change) -> Result<Response> {
        change.record(act_on(*seat, "terminal.end"));
        change.unit().after_commit([&parts, id, by] {
            for (const auto& open : parts.directory.drop(id))
                parts.cut(open, Ending("ended_by_other", by + " has ended this terminal."));
        });
        return api::no_content();
    });
}

/// The WebSocket: the ticket comes as its first message, so that no log has it.
Result<Response> connect(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(id, call.path_id<TerminalId>("terminal"));
    const auto& who = call.principal();
    if (!who.session || !parts.directory.is_of(id, who.user, *who.session))
        return fail(Errc::not_found, "There is no such terminal, or it has ended.");
    Response response;
    response.socket = api::SocketOffer{id.str(), who.user, *who.session, call.request().address};
    return response;
}

} // namespace

void add_routes(api::RouteTable& table, const RouteParts& parts) {
    api::Routes routes(table, parts, "/api/v1/orgs/{org}/servers/{server}/terminals");
    routes.get("", "terminals.view", &list);
    routes.post("", "terminals.open", &open);
    routes.remove("/{terminal}", "terminals.close", &end);
    api::Routes sockets(table, parts, "/api/v1/terminals/{terminal}");
    sockets.get("", api::signed_in, &connect, {.socket = true});
}

} // namespace fairlead::terminal
