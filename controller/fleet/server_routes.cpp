#include "controller/fleet/server_routes.hpp"

#include "common/json/json.hpp"
#include "controller/api/page.hpp"
#include "controller/fleet/checks.hpp"
#include "controller/fleet/fact_points.hpp"
#include "controller/fleet/server_view.hpp"
#include "controller/operations/routes.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

namespace fairlead::fleet {
namespace {

using api::Call;
using api::Response;
using store::Connection;
using store::UnitOfWork;

struct EditServer {
    std::optional<std::string> name;
    std::optional<std::map<std::string, std::string>> labels;
};
BOOST_DESCRIBE_STRUCT(EditServer, (), (name, labels))

struct Reason {
    std::optional<std::string> reason;
};
BOOST_DESCRIBE_STRUCT(Reason, (), (reason))

api::Act act_on(const Server& server, std::string action) {
    api::Act act;
    act.action = std::move(action);
    act.target_type = "server";
    act.target_id = server.id.str();
    act.target_name = server.name;
    return act;
}

Result<Response> list(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(page, api::Page::of(call));
    auto status = call.query("status").value_or("");
    if (!status.empty() && !json::enum_from<ServerStatus>(status))
        return fail(Error(
                        Errc::invalid,
                        fmt::format(
                            "status is \"{}\"; it must be online, offline, unknown or revoked.",
                            status
                        )
        )
                        .with_fields({{"status", "must be online, offline, unknown or revoked"}}));
    return parts.store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(
            servers, ServerRepo(db, call.scope()).list(status, page.after, page.limit + 1)
        );
        boost::json::array items;
        for (const auto& server : servers) items.push_back(to_json(server));
        return api::page_of(std::move(items), page);
    });
}

Result<Response> get(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(id, call.path_id<ServerId>("server"));
    return parts.store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(server, ServerRepo(db, call.scope()).get(id));
        return api::answer(to_json(server));
    });
}

Result<Response> edit(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(id, call.path_id<ServerId>("server"));
    FAIRLEAD_TRY(wanted, call.body<EditServer>());
    api::Checks checks;
    checks.that(
        wanted.name || wanted.labels, "(document)", "must change something: name or labels"
    );
    if (wanted.name) check_server_name(checks, "name", *wanted.name);
    if (wanted.labels) check_labels(checks, "labels", *wanted.labels);
    FAIRLEAD_CHECK(checks.result());
    return parts.store.write([&](UnitOfWork& unit) -> Result<Response> {
        ServerRepo servers(unit.db(), call.scope());
        FAIRLEAD_TRY(before, servers.get(id));
        auto name = wanted.name.value_or(before.name);
        auto labels = wanted.labels ? json::encode(*wanted.labels) : before.labels;
        FAIRLEAD_CHECK(servers.rename(id, name, labels));
        FAIRLEAD_TRY(after, servers.get(id));
        auto act = act_on(after, "server.edit");
        act.before = boost::json::object{
            {"name", before.name}, {"labels", boost::json::parse(before.labels)}};
        act.after =
            boost::json::object{{"name", after.name}, {"labels", boost::json::parse(after.labels)}};
        parts.audit.record(unit, call.scope(), call.actor(), std::move(act));
        operations::publish(unit, parts.events, {server_event(call.scope().org(), after)});
        return api::answer(to_json(after));
    });
}

Result<Response> revoke(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(id, call.path_id<ServerId>("server"));
    Reason why;
    if (!call.request().body.empty()) {
        FAIRLEAD_TRY(body, call.body<Reason>());
        why = std::move(body);
        api::Checks checks;
        checks.length("reason", why.reason.value_or(""), 0, 500);
        FAIRLEAD_CHECK(checks.result());
    }
    return parts.store.write([&](UnitOfWork& unit) -> Result<Response> {
        ServerRepo servers(unit.db(), call.scope());
        FAIRLEAD_TRY(server, servers.get(id));
        FAIRLEAD_CHECK(call.confirmed(server.name));
        if (server.revoked_ms) return api::answer(to_json(server));
        FAIRLEAD_CHECK(servers.revoke(server, call.now()));
        FAIRLEAD_CHECK(parts.authority.forget(unit, call.scope(), id));
        FAIRLEAD_CHECK(parts.operations.abandon(unit, call.scope(), id));
        auto act = act_on(server, "server.revoke");
        if (why.reason) act.after = boost::json::object{{"reason", *why.reason}};
        parts.audit.record(unit, call.scope(), call.actor(), std::move(act));
        FAIRLEAD_TRY(after, servers.get(id));
        operations::publish(unit, parts.events, {server_event(call.scope().org(), after)});
        unit.after_commit([&links = parts.links, id] {
            links.cut(
                id, "revoked",
                "This server was revoked by its organization. Enrol it again with a new token to "
                "bring it back."
            );
        });
        return api::answer(to_json(after));
    });
}

Result<Response> remove(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(id, call.path_id<ServerId>("server"));
    return parts.store.write([&](UnitOfWork& unit) -> Result<Response> {
        ServerRepo servers(unit.db(), call.scope());
        FAIRLEAD_TRY(server, servers.get(id));
        FAIRLEAD_CHECK(call.confirmed(server.name));
        if (!server.revoked_ms)
            return fail(
                Error(
                    Errc::conflict,
                    fmt::format(
                        "{} is not revoked. Revoke it first: that cuts its link and refuses its "
                        "key.",
                        server.name
                    )
                )
                    .with_code("server_not_revoked")
            );
        if (server.environments > 0)
            return fail(Error(
                            Errc::conflict,
                            fmt::format(
                                "{} environment{} on {}. Delete them first.",
                                server.environments == 1 ? "One"
                                                         : std::to_string(server.environments),
                                server.environments == 1 ? " is" : "s are", server.name
                            )
            )
                            .with_code("server_in_use"));
        FAIRLEAD_CHECK(servers.remove(id));
        parts.audit.record(unit, call.scope(), call.actor(), act_on(server, "server.delete"));
        boost::json::object gone{{"id", id.str()}};
        operations::publish(
            unit, parts.events,
            {{call.scope().org(), "server.deleted", boost::json::serialize(gone), "servers.view",
              std::nullopt, false}}
        );
        return api::no_content();
    });
}

Result<Response> ping(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(id, call.path_id<ServerId>("server"));
    return parts.store.write([&](UnitOfWork& unit) -> Result<Response> {
        FAIRLEAD_TRY(server, ServerRepo(unit.db(), call.scope()).get(id));
        if (server.revoked_ms)
            return fail(
                Error(Errc::conflict, server.name + " is revoked: nothing can be sent to it.")
                    .with_code("server_revoked")
            );
        operations::NewOperation wanted;
        wanted.kind = proto::kind::ping;
        wanted.server = id;
        wanted.target_name = server.name;
        wanted.mutating = false;
        wanted.args = "{}";
        wanted.deadline = std::chrono::minutes(5);
        FAIRLEAD_TRY(
            operation, parts.operations.create(unit, call.scope(), call.actor(), std::move(wanted))
        );
        return operations::accepted(call.scope(), operation);
    });
}

Result<Timestamp> time_of(const Call& call, std::string_view name, Timestamp otherwise) {
    auto text = call.query(name);
    if (!text) return otherwise;
    auto at = from_rfc3339(*text);
    if (!at)
        return fail(Error(
                        Errc::invalid,
                        fmt::format(
                            "{} is \"{}\"; it must be a time such as 2026-01-31T12:00:00Z.", name,
                            *text
                        )
        )
                        .with_fields({{std::string(name), "must be an RFC 3339 time"}}));
    return *at;
}

Result<Response> facts(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(id, call.path_id<ServerId>("server"));
    auto resolution = call.query("resolution").value_or("30s");
    if (resolution != "30s" && resolution != "10m")
        return fail(Error(
                        Errc::invalid,
                        fmt::format("resolution is \"{}\"; it must be 30s or 10m.", resolution)
        )
                        .with_fields({{"resolution", "must be 30s or 10m"}}));
    FAIRLEAD_TRY(to, time_of(call, "to", call.now()));
    FAIRLEAD_TRY(from, time_of(call, "from", to - std::chrono::hours(1)));
    if (from > to)
        return fail(Error(Errc::invalid, "from is after to.")
                        .with_fields({{"from", "must not be after to"}}));
    return parts.store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_CHECK(ServerRepo(db, call.scope()).get(id));
        FAIRLEAD_TRY(
            points,
            FactPoints(db, call.scope()).range(id, resolution == "30s" ? fine : coarse, from, to)
        );
        boost::json::array items;
        for (const auto& point : points) items.push_back(to_json(point));
        return api::answer(boost::json::object{
            {"resolution", resolution},
            {"from", to_rfc3339(from)},
            {"to", to_rfc3339(to)},
            {"points", std::move(items)}});
    });
}

} // namespace

void add_server_routes(api::RouteTable& table, const RouteParts& parts) {
    using api::Method;
    auto with = [&parts](auto handler) {
        return [&parts, handler](const Call& call) { return handler(call, parts); };
    };
    std::string all = "/api/v1/orgs/{org}/servers", one = all + "/{server}";
    table.add(Method::get, all, "servers.view", with(&list));
    table.add(Method::get, one, "servers.view", with(&get));
    table.add(Method::patch, one, "servers.edit", with(&edit));
    table.add(Method::remove, one, "servers.delete", with(&remove));
    table.add(Method::post, one + "/revoke", "servers.revoke", with(&revoke));
    table.add(Method::post, one + "/ping", "servers.ping", with(&ping));
    table.add(Method::get, one + "/facts", "servers.view", with(&facts));
}

} // namespace fairlead::fleet
