#include "controller/fleet/agent_service.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"
#include "common/runtime/log.hpp"
#include "controller/fleet/enrolment.hpp"
#include "controller/fleet/server_repo.hpp"
#include "controller/fleet/server_view.hpp"
#include "controller/fleet/token_repo.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>

namespace fairlead::fleet {
namespace {

constexpr std::string_view org_uri = "fairlead:org:";

tl::unexpected<Error> refuse(std::string code, std::string message) {
    return fail(Error(Errc::forbidden, std::move(message)).with_code(std::move(code)));
}

tl::unexpected<Error> unknown_server() {
    return refuse(
        "server_unknown",
        "This controller does not know the server of this certificate. Enrol it again."
    );
}

tl::unexpected<Error> revoked_server() {
    return refuse(
        "revoked", "This server was revoked by its organization. Enrol it again with a new token "
                   "to bring it back."
    );
}

} // namespace

Result<> AgentService::publish_server(
    store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server
) {
    FAIRLEAD_TRY(row, ServerRepo(unit.db(), scope).get(server));
    api::publish(unit, parts_.events, {server_event(scope.org(), row)});
    return {};
}

Result<> AgentService::announce(
    store::UnitOfWork& unit, const api::OrgScope& scope, std::string type, const ServerId& server
) {
    FAIRLEAD_TRY(row, ServerRepo(unit.db(), scope).get(server));
    return announcements_.announce(unit, scope, {std::move(type), server.str(), told_of(row)});
}

Result<AgentIdentity> AgentService::identify(const crypto::CertificateFacts& certificate) {
    auto server = ServerId::parse(certificate.common_name);
    std::optional<OrgId> org;
    for (std::string_view uri : certificate.names.uri) {
        if (uri.starts_with("urn:")) uri.remove_prefix(4);
        if (!uri.starts_with(org_uri)) continue;
        if (auto parsed = OrgId::parse(uri.substr(org_uri.size()))) org = *parsed;
    }
    if (!server || !org) return unknown_server();
    auto scope = api::ScopeIssuer::scope(*org);
    return parts_.store.read([&](store::Connection& db) -> Result<AgentIdentity> {
        FAIRLEAD_TRY(row, ServerRepo(db, scope).find(*server));
        auto key = certificate.spki_sha256.hex();
        if (!row) {
            FAIRLEAD_TRY(key_revoked, key_is_revoked(db, key));
            if (key_revoked) return revoked_server();
            return unknown_server();
        }
        if (row->spki_sha256 != key) return unknown_server();
        if (row->revoked_ms) return revoked_server();
        return AgentIdentity{scope, *server, row->name};
    });
}

Result<Greeting> AgentService::hello(const AgentIdentity& agent, const proto::Hello& hello) {
    auto now = parts_.clock.now();
    if (hello.protocol < proto::oldest_protocol)
        return refuse(
            "protocol_too_old",
            fmt::format(
                "The agent speaks protocol {}; this controller needs {} or newer. "
                "Update the agent.",
                hello.protocol, proto::oldest_protocol
            )
        );
    if (hello.oldest_protocol > proto::protocol)
        return refuse(
            "protocol_too_new",
            fmt::format(
                "The agent needs protocol {} or newer; this controller speaks {}. "
                "Update the controller.",
                hello.oldest_protocol, proto::protocol
            )
        );
    auto off = now - from_ms(std::clamp<std::int64_t>(hello.time_ms, 0, to_ms(now) * 2));
    if (std::chrono::abs(off) > clock_tolerance)
        return refuse(
            "clock_wrong",
            fmt::format(
                "The server's clock is wrong by {} s. Set it (timedatectl set-ntp true).",
                std::chrono::duration_cast<std::chrono::seconds>(-off).count()
            )
        );
    Greeting greeting{
        {agent.scope, agent.server, operations::cut(hello.journal, 64),
         crypto::base64url_encode(crypto::random_bytes(12))},
        {},
        0};
    proto::Welcome welcome;
    welcome.protocol = std::min(hello.protocol, proto::protocol);
    welcome.version = settings_.version;
    welcome.time_ms = to_ms(now);
    welcome.heartbeat_s = settings_.heartbeat_s;
    welcome.facts_s = settings_.facts_s;
    welcome.controllers = settings_.controllers;

    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<Greeting> {
        ServerRepo servers(unit.db(), agent.scope);
        FAIRLEAD_TRY(row, servers.find(agent.server));
        if (!row) return unknown_server();
        if (row->revoked_ms) return revoked_server();
        FAIRLEAD_CHECK(servers.came_online(
            agent.server, now, operations::cut(hello.version, 60), welcome.protocol,
            terminal_users_text(hello.terminal_users)
        ));
        FAIRLEAD_TRY(attached, parts_.operations.attach(unit, greeting.link, hello));
        welcome.acknowledged = attached.acknowledged;
        FAIRLEAD_TRY(trusted, parts_.authority.trusted(unit.db()));
        welcome.ca = std::move(trusted);
        FAIRLEAD_TRY(newest, parts_.authority.newest(unit.db()));
        greeting.newest_authority = newest;
        greeting.messages.emplace_back(std::move(welcome));
        std::move(
            attached.messages.begin(), attached.messages.end(),
            std::back_inserter(greeting.messages)
        );
        if (residents_ && row->status != ServerStatus::online)
            FAIRLEAD_CHECK(residents_->reachability_changed(unit, agent.scope, agent.server));
        // After a restart of the controller nobody knows; a server that was there is no news.
        if (row->status == ServerStatus::offline || !row->last_seen_ms)
            FAIRLEAD_CHECK(announce(unit, agent.scope, "server.online", agent.server));
        FAIRLEAD_CHECK(publish_server(unit, agent.scope, agent.server));
        return std::move(greeting);
    });
}

Result<proto::Ack>
AgentService::reports(const operations::AgentLink& link, const proto::Reports& reports) {
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<proto::Ack> {
        FAIRLEAD_TRY(seq, parts_.operations.accept(unit, link, reports.reports));
        return proto::Ack{seq};
    });
}

Result<bool> AgentService::due(const operations::AgentLink& link) {
    return parts_.store.write([&](store::UnitOfWork& unit) {
        return parts_.operations.due(unit, link);
    });
}

Result<> AgentService::facts(
    const operations::AgentLink& link, const proto::FactsMessage& message,
    std::int64_t newest_authority
) {
    auto now = parts_.clock.now();
    auto text = facts_text(message.facts, now);
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        FAIRLEAD_CHECK(ServerRepo(unit.db(), link.scope).store_facts(link.server, now, text));
        if (measure_watch_)
            FAIRLEAD_CHECK(
                measure_watch_->measured(unit, link.scope, link.server, now, message.facts)
            );
        // It has read its welcome by now, and what that said about authorities; what was announced
        // since then it has not heard of.
        FAIRLEAD_CHECK(parts_.authority.told(unit, link.scope, link.server, newest_authority));
        if (residents_)
            FAIRLEAD_CHECK(
                residents_->health(unit, link.scope, link.server, message.facts.environments)
            );
        return publish_server(unit, link.scope, link.server);
    });
}

Result<>
AgentService::inventory(const operations::AgentLink& link, const proto::Inventory& message) {
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        if (residents_)
            FAIRLEAD_CHECK(
                residents_->inventory(unit, link.scope, link.server, message.environments)
            );
        if (ssh_watch_ && message.ssh)
            FAIRLEAD_CHECK(ssh_watch_->ssh(unit, link.scope, link.server, *message.ssh));
        if (login_watch_ && !message.used_odoo_links.empty())
            FAIRLEAD_CHECK(
                login_watch_->used(unit, link.scope, link.server, message.used_odoo_links)
            );
        return {};
    });
}

Result<proto::Certificate>
AgentService::renew(const operations::AgentLink& link, const proto::Renew& message) {
    FAIRLEAD_TRY(csr, read_csr(message.csr));
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<proto::Certificate> {
        ServerRepo servers(unit.db(), link.scope);
        FAIRLEAD_TRY(server, servers.get(link.server));
        if (server.revoked_ms) return revoked_server();
        if (csr.spki_sha256().hex() != server.spki_sha256)
            return refuse(
                "key_changed",
                "The request is for another key than the one that this server enrolled with."
            );
        FAIRLEAD_TRY(issued, parts_.authority.issue(unit, link.scope, link.server, message.csr));
        FAIRLEAD_CHECK(servers.store_certificate(link.server, issued.serial, issued.not_after));
        api::Actor actor;
        actor.kind = api::Actor::Kind::server;
        actor.id = link.server.str();
        actor.label = server.name;
        api::Act act;
        act.action = "server.renew_certificate";
        act.target_type = "server";
        act.target_id = link.server.str();
        act.target_name = server.name;
        act.after = boost::json::object{
            {"serial", issued.serial}, {"not_after", to_rfc3339(issued.not_after)}};
        parts_.audit.record(unit, link.scope, actor, std::move(act));
        FAIRLEAD_CHECK(publish_server(unit, link.scope, link.server));
        return proto::Certificate{issued.certificate, issued.ca};
    });
}

Result<> AgentService::closed(const operations::AgentLink& link) {
    auto now = parts_.clock.now();
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        FAIRLEAD_TRY(was_current, parts_.operations.detach(unit, link));
        if (!was_current) return {};
        FAIRLEAD_CHECK(ServerRepo(unit.db(), link.scope).went_offline(link.server, now));
        if (residents_)
            FAIRLEAD_CHECK(residents_->reachability_changed(unit, link.scope, link.server));
        FAIRLEAD_TRY(row, ServerRepo(unit.db(), link.scope).get(link.server));
        if (!row.revoked_ms)
            FAIRLEAD_CHECK(announce(unit, link.scope, "server.offline", link.server));
        return publish_server(unit, link.scope, link.server);
    });
}

Result<> AgentService::start() {
    started_ms_ = to_ms(parts_.clock.now());
    FAIRLEAD_TRY(orgs, parts_.store.read([](store::Connection& db) {
        return orgs_seen_as(db, ServerStatus::online);
    }));
    for (const auto& org : orgs) {
        auto scope = api::ScopeIssuer::scope(org);
        FAIRLEAD_CHECK(parts_.store.write([&](store::UnitOfWork& unit) {
            return ServerRepo(unit.db(), scope).forget_online();
        }));
    }
    return {};
}

Result<> AgentService::tick() {
    auto now = parts_.clock.now();
    if (now < from_ms(started_ms_) + operations::Operations::grace) return {};
    FAIRLEAD_TRY(waiting, parts_.store.read([](store::Connection& db) {
        return orgs_seen_as(db, ServerStatus::unknown);
    }));
    for (const auto& org : waiting) {
        auto scope = api::ScopeIssuer::scope(org);
        auto done = parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
            ServerRepo servers(unit.db(), scope);
            FAIRLEAD_TRY(awaited, servers.awaited());
            for (const auto& id : awaited) {
                FAIRLEAD_TRY(row, servers.get(id));
                FAIRLEAD_CHECK(servers.went_offline(id, *row.last_seen_ms));
                FAIRLEAD_CHECK(announce(unit, scope, "server.offline", id));
                FAIRLEAD_CHECK(publish_server(unit, scope, id));
            }
            return {};
        });
        FAIRLEAD_CHECK(std::move(done));
    }

    if (now < from_ms(pruned_ms_) + std::chrono::hours(1)) return {};
    pruned_ms_ = to_ms(now);
    FAIRLEAD_TRY(ended, parts_.store.read([&](store::Connection& db) {
        return orgs_with_old_tokens(db, now);
    }));
    for (const auto& org : ended) {
        auto scope = api::ScopeIssuer::scope(org);
        FAIRLEAD_CHECK(parts_.store.write([&](store::UnitOfWork& unit) {
            return TokenRepo(unit.db(), scope).prune(now);
        }));
    }
    return {};
}

} // namespace fairlead::fleet
