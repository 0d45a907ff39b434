#include "controller/fleet/server_routes.hpp"

#include "common/json/json.hpp"
#include "controller/api/query.hpp"
#include "controller/api/routes.hpp"
#include "controller/fleet/checks.hpp"
#include "controller/fleet/server_view.hpp"
#include "controller/operations/routes.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

namespace fairlead::fleet {
namespace {

using api::Call;
using api::Change;
using api::Response;
using store::Connection;

struct EditServer {
    std::optional<std::string> name;
    std::optional<std::map<std::string, std::string>> labels;
};
BOOST_DESCRIBE_STRUCT(EditServer, (), (name, labels))

struct Reason {
    std::optional<std::string> reason;
};
BOOST_DESCRIBE_STRUCT(Reason, (), (reason))

Result<Response> list(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(status, api::query_enum<ServerStatus>(call, "status"));
    return api::list_page(call, parts.store, [&](Connection& db, const auto& page) {
        return ServerRepo(db, call.scope()).list(status, page.after, page.limit + 1);
    });
}

Result<Response> get(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(id, call.path_id<ServerId>("server"));
    return parts.store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(server, ServerRepo(db, call.scope()).get(id));
        // Read more often than anything else: its parts need no heap.
        unsigned char space[8192];
        boost::json::monotonic_resource memory(space);
        return api::answer(to_json(server, &memory));
    });
}

boost::json::object audit_facts(const Server& server) {
    return {{"name", server.name}, {"labels", boost::json::parse(server.labels)}};
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
    return api::change(call, parts.desk(), [&](Change& change) -> Result<Response> {
        ServerRepo servers(change.db(), change.scope());
        FAIRLEAD_TRY(before, servers.get(id));
        auto name = wanted.name.value_or(before.name);
        auto labels = wanted.labels ? json::encode(*wanted.labels) : before.labels;
        FAIRLEAD_CHECK(servers.rename(id, name, labels));
        FAIRLEAD_TRY(after, servers.get(id));
        change.record("server.edit", "server", after, audit_facts(after), audit_facts(before));
        change.publish(server_event(change.scope().org(), after));
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
    return api::change(call, parts.desk(), [&](Change& change) -> Result<Response> {
        ServerRepo servers(change.db(), change.scope());
        FAIRLEAD_TRY(server, servers.get(id));
        FAIRLEAD_CHECK(call.confirmed(server.name));
        if (server.revoked_ms) {
            change.nothing_changed();
            return api::answer(to_json(server));
        }
        FAIRLEAD_CHECK(servers.revoke(server, call.now()));
        FAIRLEAD_CHECK(parts.authority.forget(change.unit(), change.scope(), id));
        FAIRLEAD_CHECK(parts.operations.abandon(change.unit(), change.scope(), id));
        if (parts.ssh_watch)
            FAIRLEAD_CHECK(parts.ssh_watch->revoked(change.unit(), change.scope(), id));
        std::optional<boost::json::object> facts;
        if (why.reason) facts = boost::json::object{{"reason", *why.reason}};
        change.record("server.revoke", "server", server, std::move(facts));
        FAIRLEAD_TRY(after, servers.get(id));
        change.publish(server_event(change.scope().org(), after));
        FAIRLEAD_CHECK(parts.enrolment.announcements().announce(
            change.unit(), change.scope(), {"server.revoked", id.str(), told_of(after)}
        ));
        change.unit().after_commit([&links = parts.links, id] {
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
    return api::change(call, parts.desk(), [&](Change& change) -> Result<Response> {
        ServerRepo servers(change.db(), change.scope());
        FAIRLEAD_TRY(server, servers.get(id));
        FAIRLEAD_CHECK(call.confirmed(server.name));
        if (!server.revoked_ms) {
            auto text = fmt::format(
                "{} is not revoked. Revoke it first: that cuts its link and refuses its key.",
                server.name
            );
            return api::conflict("server_not_revoked", std::move(text));
        }
        if (auto count = server.environments; count > 0) {
            auto text = fmt::format(
                "{} environment{} on {}. Delete them first.",
                count == 1 ? "One" : std::to_string(count), count == 1 ? " is" : "s are",
                server.name
            );
            return api::conflict("server_in_use", std::move(text));
        }
        FAIRLEAD_CHECK(servers.remove(id));
        if (parts.measure_watch)
            FAIRLEAD_CHECK(parts.measure_watch->gone(change.unit(), change.scope(), id));
        change.record("server.delete", "server", server);
        boost::json::object gone{{"id", id.str()}};
        change.publish(
            {change.scope().org(), "server.deleted", boost::json::serialize(gone), "servers.view",
             std::nullopt, false}
        );
        return api::no_content();
    });
}

Result<Response> ping(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(id, call.path_id<ServerId>("server"));
    return api::change(call, parts.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(server, ServerRepo(change.db(), change.scope()).get(id));
        if (server.revoked_ms)
            return api::conflict(
                "server_revoked", server.name + " is revoked: nothing can be sent to it."
            );
        operations::NewOperation wanted;
        wanted.kind = proto::kind::ping;
        wanted.server = id;
        wanted.target_name = server.name;
        wanted.mutating = false;
        wanted.args = "{}";
        wanted.deadline = std::chrono::minutes(5);
        FAIRLEAD_TRY(
            operation, parts.operations.create(
                           change.unit(), change.scope(), change.actor(), std::move(wanted)
                       )
        );
        return operations::accepted(change.scope(), operation);
    });
}

} // namespace

void add_server_routes(api::RouteTable& table, const RouteParts& parts) {
    api::Routes routes(table, parts, "/api/v1/orgs/{org}/servers");
    routes.get("", "servers.view", &list);
    routes.get("/{server}", "servers.view", &get);
    routes.patch("/{server}", "servers.edit", &edit);
    routes.remove("/{server}", "servers.delete", &remove);
    routes.post("/{server}/revoke", "servers.revoke", &revoke);
    routes.post("/{server}/ping", "servers.ping", &ping);
}

} // namespace fairlead::fleet
