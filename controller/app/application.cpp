#include "controller/app/application.hpp"

#include "common/async/event.hpp"
#include "common/json/json.hpp"
#include "common/net/http_client.hpp"
#include "common/runtime/log.hpp"
#include "controller/access/erase.hpp"
#include "controller/alerts/routes.hpp"
#include "controller/app/acme.hpp"
#include "controller/app/cloudflare.hpp"
#include "controller/app/contract.hpp"
#include "controller/app/edge.hpp"
#include "controller/app/logs.hpp"
#include "controller/app/outside.hpp"
#include "controller/app/providers.hpp"
#include "controller/app/schema.hpp"
#include "controller/app/terminals.hpp"
#include "controller/audit/routes.hpp"
#include "controller/backups/routes.hpp"
#include "controller/certificates/routes.hpp"
#include "controller/cloudflare/routes.hpp"
#include "controller/domains/routes.hpp"
#include "controller/environments/counts.hpp"
#include "controller/environments/routes.hpp"
#include "controller/fleet/counts.hpp"
#include "controller/fleet/server_repo.hpp"
#include "controller/imports/routes.hpp"
#include "controller/install/routes.hpp"
#include "controller/members/leaving.hpp"
#include "controller/members/routes.hpp"
#include "controller/metrics/sample_repo.hpp"
#include "controller/odoo_login/routes.hpp"
#include "controller/operations/counts.hpp"
#include "controller/operations/routes.hpp"
#include "controller/orgs/orgs.hpp"
#include "controller/passage/routes.hpp"
#include "controller/pushes/routes.hpp"
#include "controller/ssh/routes.hpp"
#include "controller/sso/routes.hpp"
#include "controller/tunnels/routes.hpp"
#include "controller/updates/routes.hpp"
#include "controller/web/assets.hpp"
#include "controller/web/contract.hpp"
#include "controller/webhooks/routes.hpp"

#include <algorithm>

namespace fairlead::app {
namespace {

// Reading waits for no disk, so more of them would only keep more pages in memory.
constexpr std::size_t most_readers = 8;

Secret ticket_secret(store::Store& store, const crypto::Keystore& keys) {
    auto sealed = store.read([](store::Connection& db) {
        return db.one<store::Blob>("SELECT sealed_tickets FROM installation WHERE id = 1");
    });
    if (!sealed || !*sealed)
        throw std::runtime_error("The database holds no installation. Run: fairlead-controller init"
        );
    auto secret = keys.open((*sealed)->bytes, tickets_place);
    if (!secret)
        throw std::runtime_error(
            "The master key does not fit the database: " + secret.error().message()
        );
    return std::move(*secret);
}

orgs::Plans load_plans(const Settings& settings) {
    if (!settings.plans) return {};
    auto plans = orgs::Plans::load(*settings.plans);
    if (!plans) throw std::runtime_error(plans.error().message());
    return *std::move(plans);
}

std::vector<sso::Provider> load_providers(const Settings& settings) {
    auto providers = sso::make_providers(settings.sign_in_with);
    if (!providers) throw std::runtime_error(providers.error().message());
    return *std::move(providers);
}

std::string host_of(const std::string& url) {
    auto parsed = net::Url::parse(url);
    return parsed ? parsed->host : std::string();
}

} // namespace

Application::Application(Settings settings, FolderLock lock, crypto::Keystore keys)
    : settings_(std::move(settings)), endpoint_(Endpoint::parse(settings_.listen).value()),
      lock_(std::move(lock)), keys_(std::move(keys)), outbound_(make_outbound(settings_)),
      challenges_(make_challenges(settings_)),
      store_(
          {.file = Layout(settings_).database(),
           .readers = std::min<std::size_t>(settings_.workers, most_readers)},
          schema()
      ),
      audit_(clock_), notary_(store_, keys_, settings_.name),
      witnesses_(store_, audit_, notary_, clock_),
      sessions_(store_, {settings_.sessions.idle, settings_.sessions.absolute}),
      accounts_({store_, sessions_, hasher_, audit_, factors_, keys_}),
      steps_({store_, sessions_, hasher_, accounts_, factors_, keys_}),
      mailing_(settings_, store_, keys_, clock_),
      account_({store_, sessions_, accounts_, factors_, keys_, mailing_.outbox()}),
      registration_(
          {store_, sessions_, hasher_, accounts_, keys_, audit_, mailing_.outbox(),
           access::Letters(public_url(settings_, endpoint_.port)), settings_.registration}
      ),
      plans_(load_plans(settings_)), retention_(store_, plans_, notary_),
      view_({store_, sessions_, plans_, [this] { return facts(); }}),
      ceremony_(access::RelyingParty::of(
                    public_url(settings_, endpoint_.port), settings_.passkey_domain.value_or("")
      )
                    .value()),
      passkeys_({store_, sessions_, accounts_, factors_, ceremony_}),
      passkey_proofs_({store_, accounts_, steps_, ceremony_}),
      rates_(
          {settings_.rates.reads_a_minute, settings_.rates.writes_a_minute},
          {settings_.rates.key_reads_a_minute, settings_.rates.key_writes_a_minute}
      ),
      connect_tokens_(store_, keys_), connect_visits_(store_),
      guard_(
          {store_,
           sessions_,
           rates_,
           plans_,
           connect_tokens_,
           connect_visits_,
           {public_url(settings_, endpoint_.port)}}
      ),
      sso_(sso_parts(), load_providers(settings_)), idempotency_(store_, keys_),
      authority_(keys_, clock_, {.agent = settings_.agents.certificate}),
      certificates_({settings_, store_, authority_, tls_}, public_url(settings_, endpoint_.port)),
      packages_(settings_.packages), io_(1), workers_(settings_.workers), hashers_(4),
      events_(io_.get_executor(), clock_.now()),
      operations_({store_, events_, audit_, links_, clock_}), live_(events_, keys_, clock_),
      environments_(
          {store_, events_, audit_, operations_, live_, keys_, clock_, plans_,
           settings_.git_transports == GitTransports::any ? environments::GitTransports::any
                                                          : environments::GitTransports::safe,
           host_of(public_url(settings_, endpoint_.port))}
      ),
      backups_({store_, events_, audit_, operations_, keys_, clock_}),
      imports_({store_, events_, audit_, operations_, backups_, keys_, clock_}),
      copies_(backups_, environments_), pushes_(
                                            {store_, events_, audit_, environments_, keys_, clock_,
                                             public_url(settings_, endpoint_.port)}
                                        ),
      ssh_keys_({store_, events_, audit_, operations_, clock_}),
      logins_({store_, events_, audit_, operations_, clock_}),
      updates_({store_, events_, audit_, operations_, packages_, clock_}),
      recorder_(store_, settings_.agents.facts),
      tunnel_keys_(
          {store_, events_, audit_, keys_, links_, clock_,
           [](store::Connection& db, const api::OrgScope& scope) {
               return fleet::ServerRepo(db, scope).online();
           }}
      ),
      webhook_queue_({store_, events_, audit_, keys_, clock_}), operation_news_(webhook_queue_),
      webhooks_({store_, events_, audit_, keys_, *outbound_, webhook_queue_}),
      alerts_(alert_parts()),
      domains_({store_, events_, audit_, clock_, host_of(public_url(settings_, endpoint_.port))}),
      looker_(*outbound_, *challenges_), acme_(make_acme_client(settings_, tls_, clock_)),
      edge_certificates_(certificate_parts()), keeper_(edge_certificates_, clock_),
      zone_api_(make_zone_api(settings_)), hostnames_(hostname_parts()),
      hostname_keeper_(hostnames_, clock_),
      enrolment_({store_, events_, audit_, authority_, clock_, plans_}),
      agents_(
          {store_, events_, audit_, operations_, authority_, clock_},
          {.version = FAIRLEAD_VERSION,
           .controllers = agent_endpoints(settings_, endpoint_.port),
           .heartbeat_s = static_cast<std::uint32_t>(settings_.agents.heartbeat.count()),
           .facts_s = static_cast<std::uint32_t>(settings_.agents.facts.count())}
      ),
      core_({agents_, witnesses_, tunnel_keys_, links_, packages_}),
      hub_(io_.get_executor(), workers_, core_),
      edge_(
          io_.get_executor(), streams_of(hub_, workers_, tunnel_keys_), edge_names(settings_, tls_)
      ),
      terminal_journal_({store_, audit_, events_}),
      terminals_(
          {io_.get_executor(), workers_, clock_, terminal_journal_, terminal_directory_,
           terminal_tickets_, shells_of(hub_, workers_, tunnel_keys_)}
      ),
      passage_journal_({store_, audit_, events_}, clock_),
      passages_(
          {io_.get_executor(), workers_, clock_, passage_journal_,
           sshd_of(hub_, workers_, tunnel_keys_)}
      ),
      log_journal_({store_, audit_, events_}),
      readings_(
          {io_.get_executor(), workers_, log_journal_, log_directory_,
           logs_of(hub_, workers_, tunnel_keys_)}
      ),
      connect_({store_, connect_tokens_, audit_, events_}),
      support_(
          {store_,
           audit_,
           {fleet::count, environments::count, operations::count},
           fleet::inventory,
           environments::inventory}
      ),
      fleet_parts_{
          store_,
          events_,
          audit_,
          operations_,
          links_,
          enrolment_,
          authority_,
          [this] { return certificates_.face(); },
          agent_endpoints(settings_, endpoint_.port),
          &ssh_keys_,
          &recorder_},
      audit_parts_{{store_, audit_, events_}, notary_, plans_},
      key_parts_{{store_, audit_, events_}, environments::unknown_projects},
      connect_parts_{{store_, audit_, events_}, connect_, connect_tokens_,
                     connect_visits_,           plans_,   environments::unknown_projects},
      support_parts_{{store_, audit_, events_}, support_},
      org_parts_{
          store_,
          audit_,
          events_,
          plans_,
          {fleet::count, environments::count, operations::count},
          {fleet::erase, environments::erase, operations::erase, backups::erase, imports::erase,
           pushes::erase, webhooks::erase, domains::erase, certificates::erase, cloudflare::erase,
           access::erase, ssh::erase, updates::erase, fairlead::metrics::erase, alerts::erase,
           [this](store::Connection& db, const api::OrgScope& scope) {
               return tunnel_keys_.erase(db, scope);
           }}},
      member_parts_(member_parts()), metric_parts_{store_, recorder_},
      log_parts_{{store_, audit_, events_}, log_directory_},
      capture_parts_{log_parts_, operations_},
      terminal_parts_{
          {store_, audit_, events_},
          terminal_directory_,
          terminal_tickets_,
          [this](const terminal::TerminalId& id, terminal::Ending why) {
              terminals_.cut(id, std::move(why));
          }},
      passage_desk_{store_, audit_, events_} {
    links_.use(hub_);
    operations_.use(live_);
    operations_.use(backups_);
    operations_.use(imports_);
    operations_.use(copies_);
    operations_.use(pushes_);
    operations_.use(ssh_keys_);
    operations_.use(updates_);
    live_.use(backups_);
    environments_.use(backups_);
    live_.on_gone(
        [this](store::UnitOfWork& unit, const auto& scope, const auto& environment) -> Result<> {
            FAIRLEAD_CHECK(imports_.gone(unit, scope, environment));
            FAIRLEAD_CHECK(fairlead::metrics::Recorder::gone(unit, scope, environment.id));
            return pushes_.gone(unit, scope, environment);
        }
    );
    agents_.use(live_);
    agents_.use(ssh_keys_);
    agents_.use(logins_);
    agents_.use(recorder_);
    join_webhooks();
    join_domains();
    join_certificates();
    events_.on_publish([this](const api::Event& event) {
        if (!concerns_edge(event)) return;
        edge_.changed();
        hostname_keeper_.wake();
    });
    events_.on_end([this](const std::string& bond) {
        terminals_.end_bond(bond);
        passages_.end_bond(bond);
        readings_.end_bond(bond);
    });
    sessions_.on_end([this](const SessionId& session) { events_.end_streams(session.str()); });
    sessions_.on_ending([this](store::UnitOfWork& unit, const auto& sessions) {
        return connect_.signed_out(unit, sessions, clock_.now());
    });
    account_.on_remove([this](store::UnitOfWork& unit, const UserId& user) {
        return members::take_out_of_all(unit, member_parts_, user, clock_.now());
    });
    if (auto loaded = rates_.load(store_, clock_.now()); !loaded)
        throw std::runtime_error(loaded.error().message());
    add_routes();
    hold_to_contract(table_, web::json_from_yaml(web::openapi_yaml()).value());
    router_ = std::make_unique<api::Router>(table_, guard_, &idempotency_);
    shell_ = std::make_unique<web::HttpShell>(
        web::HttpShell::Parts{
            *router_, events_, workers_, hashers_, clock_, served_by(terminals_, passages_),
            terminal::browser_limits(), bodies_of(readings_)},
        web::HttpShellOptions{.access_log = settings_.log.access}
    );

    if (auto set = tls_.set_session_secret(ticket_secret(store_, keys_)); !set)
        throw std::runtime_error(set.error().message());
    if (auto loaded = certificates_.refresh(); !loaded)
        throw std::runtime_error(loaded.error().message());
}

void Application::add_routes() {
    auto face = [this] { return certificates_.face(); };
    web::add_system_routes(
        table_,
        {.ready = [this]() -> Result<> {
             FAIRLEAD_CHECK(store_.read([](store::Connection& db) {
                 return db.one<int>("SELECT 1");
             }));
             return {};
         },
         .metrics = [this] { return settings_.metrics ? metrics() : std::vector<web::Metric>(); },
         .security_contact = settings_.security_contact.value_or(""),
         .url = public_url(settings_, endpoint_.port),
         .clock = clock_}
    );
    install::add_install_routes(table_, packages_, face);
    access::add_access_routes(table_, {store_, sessions_, accounts_, steps_, view_});
    access::AccountRoutes account{
        account_, registration_, view_, mailing_.outbox(), settings_.name};
    access::add_account_routes(table_, account);
    access::add_registration_routes(table_, account);
    access::join_passkeys(factors_, account_);
    access::add_passkey_routes(table_, {passkeys_, passkey_proofs_, view_});
    access::add_key_routes(table_, key_parts_);
    access::add_connect_grant_routes(table_, connect_parts_);
    access::add_connect_session_routes(table_, connect_parts_);
    access::add_support_routes(table_, support_parts_);
    sso::add_sso_routes(
        table_,
        {sso_,
         [this] {
             return sso::SignInOptions{std::string(json::enum_name(settings_.registration)), true};
         },
         sessions_.limits().absolute}
    );
    audit::add_audit_routes(table_, audit_parts_);
    audit::add_installation_audit_routes(table_, audit_parts_);
    operations::add_operation_routes(table_, operations_);
    fleet::add_server_routes(table_, fleet_parts_);
    fleet::add_token_routes(table_, fleet_parts_);
    fleet::add_agent_routes(table_, fleet_parts_);
    environments::add_routes(table_, environments_);
    backups::add_routes(table_, backups_, copies_);
    imports::add_routes(table_, imports_);
    pushes::add_routes(table_, pushes_);
    odoo_login::add_routes(table_, logins_);
    tunnels::add_routes(table_, tunnel_keys_);
    webhooks::add_routes(table_, webhooks_);
    domains::add_routes(table_, domains_);
    cloudflare::add_routes(table_, hostnames_);
    certificates::add_routes(table_, edge_certificates_);
    orgs::add_org_routes(table_, org_parts_);
    members::add_routes(table_, member_parts_);
    terminal::add_routes(table_, terminal_parts_);
    ssh::add_routes(table_, ssh_keys_);
    updates::add_routes(table_, updates_);
    passage::add_routes(table_, passage_desk_);
    logs::add_routes(table_, log_parts_);
    captures::add_routes(table_, capture_parts_);
    fairlead::metrics::add_routes(table_, metric_parts_);
    alerts::add_routes(table_, alerts_);
}

access::ControllerFacts Application::facts() const {
    auto face = certificates_.face();
    access::ControllerFacts facts;
    facts.name = settings_.name;
    facts.version = FAIRLEAD_VERSION;
    facts.self_signed = !face.ca_pem.empty();
    constexpr std::string_view prefix = "sha256//";
    if (face.pin.starts_with(prefix)) facts.fingerprint = face.pin.substr(prefix.size());
    return facts;
}

std::vector<web::Metric> Application::metrics() const {
    auto counters = listener_ ? listener_->counters() : net::ListenerCounters();
    auto edge = edge_.counters();
    return {
        {"fairlead_connections", "Open connections, agents included", false, double(counters.open)},
        {"fairlead_connections_accepted_total", "Connections since the start", true,
         double(counters.accepted)},
        {"fairlead_connections_refused_total", "Connections closed because there were too many",
         true, double(counters.refused_full)},
        {"fairlead_handshake_failures_total", "TLS handshakes that failed", true,
         double(counters.handshake_failures)},
        {"fairlead_requests_total", "HTTP requests", true, double(counters.requests)},
        {"fairlead_agents_online", "Agents with a live link", false, double(hub_.online())},
        {"fairlead_edge_connections", "Open connections of environments' visitors", false,
         double(edge.open)},
        {"fairlead_edge_hosts", "Host names that lead to an environment", false,
         double(edge.hosts)},
        {"fairlead_edge_requests_total", "Requests for environments", true, double(edge.requests)},
        {"fairlead_edge_refused_total", "Requests for environments that the edge itself answered",
         true, double(edge.refused)},
        {"fairlead_terminals", "Terminals that are open, or that a ticket was handed out for",
         false, double(terminal_directory_.size())},
        {"fairlead_measured_points_total",
         "Points of measurements of servers and environments that were stored", true,
         double(recorder_.samples())},
        {"fairlead_measured", "Servers and environments that were measured within an hour", false,
         double(recorder_.newest().size())},
        {"fairlead_alerts_firing", "Alerts that fire, of all organizations", false,
         double(alerts_.firing())},
        {"fairlead_event_streams", "Open event streams", false, double(events_.streams())},
        {"fairlead_store_writes_waiting", "Writes waiting for the store", false,
         double(store_.queued())},
        {"fairlead_store_commits_total", "Commits of the store", true, double(store_.commits())},
        {"fairlead_worker_jobs_waiting", "Jobs waiting for a worker thread", false,
         double(workers_.queued())},
        {"fairlead_password_jobs_waiting", "Requests waiting for a password to be hashed", false,
         double(hashers_.queued())},
    };
}

} // namespace fairlead::app
