/// Everything that `serve` is made of, built in order; destruction is the reverse.
#pragma once

#include "common/async/task.hpp"
#include "common/async/worker_pool.hpp"
#include "common/crypto/keystore.hpp"
#include "common/net/listener.hpp"
#include "common/net/tls_context.hpp"
#include "common/runtime/clock.hpp"
#include "common/store/store.hpp"
#include "controller/access/account.hpp"
#include "controller/access/account_routes.hpp"
#include "controller/access/accounts.hpp"
#include "controller/access/connect.hpp"
#include "controller/access/connect_routes.hpp"
#include "controller/access/guard.hpp"
#include "controller/access/idempotency.hpp"
#include "controller/access/key_routes.hpp"
#include "controller/access/passkey_routes.hpp"
#include "controller/access/rates.hpp"
#include "controller/access/registration.hpp"
#include "controller/access/routes.hpp"
#include "controller/access/sessions.hpp"
#include "controller/access/support_routes.hpp"
#include "controller/alerts/alerts.hpp"
#include "controller/api/router.hpp"
#include "controller/app/certificates.hpp"
#include "controller/app/installation.hpp"
#include "controller/app/mailing.hpp"
#include "controller/app/settings.hpp"
#include "controller/audit/log.hpp"
#include "controller/audit/notary.hpp"
#include "controller/audit/retention.hpp"
#include "controller/audit/routes.hpp"
#include "controller/audit/witnesses.hpp"
#include "controller/authority/authority.hpp"
#include "controller/backups/backups.hpp"
#include "controller/backups/copy_chain.hpp"
#include "controller/captures/routes.hpp"
#include "controller/certificates/certificates.hpp"
#include "controller/certificates/keeper.hpp"
#include "controller/cloudflare/keeper.hpp"
#include "controller/domains/checker.hpp"
#include "controller/edge/edge.hpp"
#include "controller/environments/environments.hpp"
#include "controller/environments/live_state.hpp"
#include "controller/fleet/agent_service.hpp"
#include "controller/fleet/enrolment.hpp"
#include "controller/fleet/server_routes.hpp"
#include "controller/gateway/fleet_core.hpp"
#include "controller/gateway/hub.hpp"
#include "controller/imports/imports.hpp"
#include "controller/install/packages.hpp"
#include "controller/logs/readings.hpp"
#include "controller/logs/routes.hpp"
#include "controller/members/members.hpp"
#include "controller/metrics/routes.hpp"
#include "controller/odoo_login/logins.hpp"
#include "controller/operations/operations.hpp"
#include "controller/orgs/orgs.hpp"
#include "controller/orgs/plans.hpp"
#include "controller/outbound/outbound.hpp"
#include "controller/passage/connections.hpp"
#include "controller/pushes/pushes.hpp"
#include "controller/ssh/ssh_keys.hpp"
#include "controller/sso/sso.hpp"
#include "controller/terminal/routes.hpp"
#include "controller/terminal/terminals.hpp"
#include "controller/tunnels/tunnel_keys.hpp"
#include "controller/updates/updates.hpp"
#include "controller/web/event_hub.hpp"
#include "controller/web/http_shell.hpp"
#include "controller/web/system_routes.hpp"
#include "controller/webhooks/courier.hpp"
#include "controller/webhooks/operation_news.hpp"
#include "controller/webhooks/webhooks.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace fairlead::app {

/// The subjects are built before the hub that they wake.
class LateLinks final : public operations::Links {
public:
    void use(operations::Links& links) { links_ = &links; }
    void
    send(const ServerId& server, std::string link, std::vector<std::string> messages) override {
        if (links_) links_->send(server, std::move(link), std::move(messages));
    }
    void wake(const ServerId& server) override {
        if (links_) links_->wake(server);
    }
    void cut(const ServerId& server, std::string code, std::string message) override {
        if (links_) links_->cut(server, std::move(code), std::move(message));
    }

private:
    operations::Links* links_ = nullptr;
};

class Application {
public:
    /// Opens everything but the port. Throws what is wrong with the surroundings.
    Application(Settings settings, FolderLock lock, crypto::Keystore keys);
    Application(const Application&) = delete;

    /// Serves until SIGTERM or SIGINT, then lets requests finish for up to 10 s. Errc::conflict
    /// when the port is taken.
    Result<> run();

private:
    void add_routes();
    std::vector<web::Metric> metrics() const;
    access::ControllerFacts facts() const;
    members::Parts member_parts();
    sso::Sso::Parts sso_parts();
    void join_webhooks();
    void join_domains();
    alerts::Alerts::Parts alert_parts();
    void stand_behind_cloudflare();
    void join_edge(net::ListenerHandlers& handlers);
    certificates::Certificates::Parts certificate_parts();
    void join_certificates();
    cloudflare::Hostnames::Parts hostname_parts();
    Result<> write_to_owners(
        store::UnitOfWork& unit, const api::OrgScope& scope, const std::string& kind,
        const std::string& subject, const std::string& text
    );

    Task<> serve();
    Task<> await_signal();
    /// `work` on a worker thread, at once and every `period`; what goes wrong is logged.
    Task<>
    every(std::chrono::milliseconds period, std::string what, std::function<Result<>()> work);
    Result<> refresh_certificates();

    Settings settings_;
    Endpoint endpoint_;
    FolderLock lock_;
    crypto::Keystore keys_;
    SystemClock clock_;
    std::unique_ptr<outbound::Outbound> outbound_;
    std::unique_ptr<outbound::Challenges> challenges_;
    store::Store store_;
    audit::Log audit_;
    audit::Notary notary_;
    audit::Witnesses witnesses_;

    access::Sessions sessions_;
    access::PasswordHasher hasher_;
    access::SecondFactors factors_;
    access::Accounts accounts_;
    access::SecondStep steps_;
    Mailing mailing_;
    access::Account account_;
    access::Registration registration_;
    orgs::Plans plans_;
    audit::Retention retention_;
    access::SessionView view_;
    access::PasskeyCeremony ceremony_;
    access::Passkeys passkeys_;
    access::PasskeyProofs passkey_proofs_;
    access::RateLimiter rates_;
    access::ConnectTokens connect_tokens_;
    access::ConnectVisits connect_visits_;
    access::Guard guard_;
    sso::Sso sso_;
    access::Idempotency idempotency_;

    authority::Authority authority_;
    net::TlsServerContext tls_;
    Certificates certificates_;
    install::Packages packages_;
    std::unique_ptr<webhooks::Courier>
        courier_; ///< told of commits for as long as there are workers
    std::unique_ptr<domains::Checker> checker_; ///< likewise

    asio::io_context io_;
    WorkerPool workers_;
    WorkerPool hashers_; ///< for passwords: two hash, the others do what comes before and after
    web::EventHub events_;
    LateLinks links_;
    operations::Operations operations_;
    environments::LiveState live_;
    environments::Environments environments_;
    backups::Backups backups_;
    imports::Imports imports_;
    backups::Copies copies_;
    pushes::Pushes pushes_;
    ssh::SshKeys ssh_keys_;
    odoo_login::Logins logins_;
    updates::Updates updates_;
    fairlead::metrics::Recorder recorder_;
    tunnels::TunnelKeys tunnel_keys_;
    webhooks::Queue webhook_queue_;
    webhooks::OperationNews operation_news_;
    webhooks::Webhooks webhooks_;
    alerts::Alerts alerts_;
    domains::Domains domains_;
    domains::OutsideLooker looker_;
    std::unique_ptr<certificates::Client> acme_;
    certificates::Certificates edge_certificates_;
    certificates::Keeper keeper_;
    std::unique_ptr<cloudflare::ZoneApi> zone_api_;
    cloudflare::Hostnames hostnames_;
    cloudflare::Keeper hostname_keeper_;
    fleet::Enrolment enrolment_;
    fleet::AgentService agents_;
    gateway::FleetCore core_;
    gateway::Hub hub_;
    edge::Edge edge_;
    terminal::Directory terminal_directory_;
    terminal::Tickets terminal_tickets_;
    terminal::AuditJournal terminal_journal_;
    terminal::Terminals terminals_;
    passage::Journal passage_journal_;
    passage::Connections passages_;
    logs::Directory log_directory_;
    logs::AuditJournal log_journal_;
    logs::Readings readings_;

    access::Connect connect_;
    access::Support support_;

    fleet::RouteParts fleet_parts_;
    audit::RouteParts audit_parts_;
    access::KeyRoutes key_parts_;
    access::ConnectRoutes connect_parts_;
    access::SupportRoutes support_parts_;
    orgs::RouteParts org_parts_;
    members::Parts member_parts_;
    fairlead::metrics::RouteParts metric_parts_;
    logs::RouteParts log_parts_;
    captures::RouteParts capture_parts_;
    terminal::RouteParts terminal_parts_;
    api::Desk passage_desk_;
    api::RouteTable table_;
    std::unique_ptr<api::Router> router_;
    std::unique_ptr<web::HttpShell> shell_;
    std::unique_ptr<net::Listener> listener_;
    std::set<ServerId> asked_back_; ///< to learn of the newest authority; each once in this process
};

} // namespace fairlead::app
