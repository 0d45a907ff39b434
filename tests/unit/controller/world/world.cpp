#include "world.hpp"

#include "controller/access/schema.hpp"
#include "controller/alerts/schema.hpp"
#include "controller/audit/schema.hpp"
#include "controller/authority/schema.hpp"
#include "controller/backups/routes.hpp"
#include "controller/backups/schema.hpp"
#include "controller/certificates/schema.hpp"
#include "controller/domains/routes.hpp"
#include "controller/domains/schema.hpp"
#include "controller/environments/schema.hpp"
#include "controller/fleet/schema.hpp"
#include "controller/fleet/server_repo.hpp"
#include "controller/imports/routes.hpp"
#include "controller/imports/schema.hpp"
#include "controller/metrics/routes.hpp"
#include "controller/metrics/schema.hpp"
#include "controller/odoo_login/routes.hpp"
#include "controller/operations/routes.hpp"
#include "controller/operations/schema.hpp"
#include "controller/orgs/schema.hpp"
#include "controller/pushes/routes.hpp"
#include "controller/pushes/schema.hpp"
#include "controller/ssh/routes.hpp"
#include "controller/ssh/schema.hpp"
#include "controller/tunnels/routes.hpp"
#include "controller/tunnels/schema.hpp"
#include "controller/updates/routes.hpp"
#include "controller/updates/schema.hpp"
#include "controller/webhooks/routes.hpp"
#include "controller/webhooks/schema.hpp"

#include <doctest/doctest.h>

namespace fairlead::test {
namespace {

const std::vector<store::Migration>& migrations() {
    static const std::vector<store::Migration> steps{
        {1, "audit", audit::first_tables},
        {2, "authority", authority::first_tables},
        {3, "operations", operations::first_tables},
        {4, "fleet", fleet::first_tables},
        {5, "environments", environments::first_tables},
        {6, "found environments", environments::found_details},
        {7, "access", access::first_tables},
        {8, "orgs", orgs::first_tables},
        {9, "roles", orgs::roles_and_settings},
        {10, "invitations", orgs::invitations},
        {11, "operation projects", operations::operation_projects},
        {12, "proofs", access::proofs},
        {13, "idempotency", access::idempotency_table},
        {14, "keys and rates", access::keys_and_rates},
        {15, "connect and support", access::connect_and_support},
        {16, "operation origins", operations::operation_origins},
        {17, "backups of environments", environments::backup_columns},
        {18, "backups", backups::first_tables},
        {19, "invitation letters", orgs::invitation_letters},
        {20, "imports", imports::first_tables},
        {21, "copies", backups::copy_tables},
        {22, "age of logs", operations::age_of_logs},
        {23, "pushes", pushes::first_tables},
        {24, "webhooks", webhooks::first_tables},
        {25, "domains", domains::first_tables},
        {26, "tunnel keys", tunnels::first_tables},
        {27, "exposure of environments", environments::exposure_column},
        {28, "counted looks at domains", domains::counted_looks},
        {29, "connectors", environments::connectors},
        {30, "terminal users", fleet::terminal_users_column},
        {31, "SSH keys", ssh::first_tables},
        {32, "captured mail", environments::mail_columns},
        {33, "sealed results", operations::sealed_results},
        {34, "roll-outs of the agent", updates::first_tables},
        {35, "certificates", certificates::first_tables},
        {36, "metrics", metrics::first_tables},
        {37, "alerts", alerts::first_tables},
        {38, "signed horizons", audit::signed_horizons}};
    return steps;
}

} // namespace

std::vector<api::Event> RecordingEvents::take() {
    std::lock_guard lock(mutex_);
    return std::exchange(events_, {});
}

std::vector<std::string> RecordingEvents::types() {
    std::lock_guard lock(mutex_);
    std::vector<std::string> found;
    for (const auto& event : events_) found.push_back(event.type);
    return found;
}

Result<> PlayedOutbound::check(const std::string& url) const {
    if (url.starts_with("https://")) return {};
    return fail(Error(Errc::invalid, "must begin with https://").with_code("url_invalid"));
}

Result<outbound::Answer> PlayedOutbound::send(const outbound::Request& request) {
    std::unique_lock lock(mutex_);
    sent_.push_back(request);
    auto answer = answer_;
    lock.unlock();
    return answer(request);
}

std::vector<outbound::Request> PlayedOutbound::take() {
    std::lock_guard lock(mutex_);
    return std::exchange(sent_, {});
}

void PlayedOutbound::answers(
    std::function<Result<outbound::Answer>(const outbound::Request&)> answer
) {
    std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
}

void PlayedOutbound::answers(int status, std::string body, net::Headers headers) {
    outbound::Answer answer{status, std::move(headers), std::move(body)};
    answers([answer](const outbound::Request&) { return answer; });
}

domains::Looked PlayedLooker::look(const domains::Domain& domain) {
    See see;
    {
        std::lock_guard lock(mutex_);
        looked_.push_back(domain.name);
        if (auto found = see_.find(domain.name); found != see_.end()) see = found->second;
    }
    if (see) return see(domain);
    return {
        domains::Finding::missing, domains::Method::none, "record_missing", "There is no record."};
}

void PlayedLooker::sees(std::string name, See see) {
    std::lock_guard lock(mutex_);
    see_[std::move(name)] = std::move(see);
}

void PlayedLooker::sees(std::string name, domains::Finding finding) {
    sees(std::move(name), [finding](const domains::Domain&) -> domains::Looked {
        if (finding == domains::Finding::found) return {finding, domains::Method::dns, "", ""};
        bool missing = finding == domains::Finding::missing;
        return {
            finding, domains::Method::none, missing ? "record_missing" : "resolver_failed",
            missing ? "There is no record." : "No name server answers."};
    });
}

std::vector<std::string> PlayedLooker::take() {
    std::lock_guard lock(mutex_);
    return std::exchange(looked_, {});
}

Result<std::optional<api::Principal>> TestGuard::
    admit(const api::Request&, const api::Route& route, std::string_view org, std::optional<api::Rate>&) {
    if (route.permission == api::open_to_all) return std::optional<api::Principal>();
    if (!org.empty() && org != principal->scope->org().str())
        return fail(Errc::not_found, "There is no such organization.");
    return principal;
}

bool Reply::blames(std::string_view field) const {
    if (!json.is_object() || !json.get_object().contains("errors")) return false;
    for (const auto& error : json.at("errors").as_array())
        if (error.at("field").as_string() == field) return true;
    return false;
}

Core::Core(
    const std::filesystem::path& file, const Clock& clock, const crypto::Keystore& keys,
    audit::Log& log, RecordingEvents& events, RecordingLinks& links, PlayedOutbound& outbound,
    PlayedLooker& looker, const install::Packages& packages, environments::GitTransports transports
)
    : store(store::StoreOptions{.file = file}, migrations()), authority(keys, clock, {}),
      operations({store, events, log, links, clock}), live(events, keys, clock),
      enrolment({store, events, log, authority, clock, plans}),
      agents({store, events, log, operations, authority, clock}, {"0.1.0", {}, 15, 30}),
      environments(
          {store, events, log, operations, live, keys, clock, plans, transports, "fairlead.example"}
      ),
      backups({store, events, log, operations, keys, clock}), copies(backups, environments),
      imports({store, events, log, operations, backups, keys, clock}),
      pushes({store, events, log, environments, keys, clock, "https://fairlead.example:8443"}),
      ssh_keys({store, events, log, operations, clock}),
      logins({store, events, log, operations, clock}),
      updates({store, events, log, operations, packages, clock}),
      recorder(store), metric_parts{store, recorder},
      tunnel_keys(
          {store, events, log, keys, links, clock,
           [](store::Connection& db, const api::OrgScope& scope) {
               return fleet::ServerRepo(db, scope).online();
           }}
      ),
      queue({store, events, log, keys, clock}), operation_news(queue),
      webhooks({store, events, log, keys, outbound, queue}), courier(queue, outbound, clock),
      domains({store, events, log, clock, "fairlead.example"}), checker(domains, looker, clock),
      parts{
          store,
          events,
          log,
          operations,
          links,
          enrolment,
          authority,
          [] {
              return install::Face{"https://fairlead.example:8443", "", ""};
          },
          {"fairlead.example:8443"},
          &ssh_keys,
          &recorder} {
    operations.use(live);
    operations.use(backups);
    operations.use(imports);
    operations.use(copies);
    operations.use(pushes);
    operations.use(ssh_keys);
    operations.use(updates);
    operations.use(operation_news);
    live.use(backups);
    live.use(queue);
    backups.use(queue);
    enrolment.use(queue);
    agents.use(queue);
    queue.on_due([this](const auto& turn, Timestamp at) { courier.due(turn, at); });
    webhooks.on_gone([this](const WebhookId& id) { courier.forget(id); });
    environments.use(backups);
    domains.use(queue);
    domains.on_due([this] { checker.wake(); });
    domains.on_news([this](auto&, const auto&, const auto& domain, auto news) -> Result<> {
        domain_news.emplace_back(domain.name, news);
        return {};
    });
    live.on_gone(
        [this](store::UnitOfWork& unit, const auto& scope, const auto& environment) -> Result<> {
            FAIRLEAD_CHECK(imports.gone(unit, scope, environment));
            FAIRLEAD_CHECK(metrics::Recorder::gone(unit, scope, environment.id));
            return pushes.gone(unit, scope, environment);
        }
    );
    agents.use(live);
    agents.use(ssh_keys);
    agents.use(logins);
    agents.use(recorder);
    operations::add_operation_routes(table, operations);
    fleet::add_server_routes(table, parts);
    fleet::add_token_routes(table, parts);
    fleet::add_agent_routes(table, parts);
    environments::add_routes(table, environments);
    backups::add_routes(table, backups, copies);
    imports::add_routes(table, imports);
    pushes::add_routes(table, pushes);
    ssh::add_routes(table, ssh_keys);
    odoo_login::add_routes(table, logins);
    updates::add_routes(table, updates);
    metrics::add_routes(table, metric_parts);
    tunnels::add_routes(table, tunnel_keys);
    webhooks::add_routes(table, webhooks);
    domains::add_routes(table, domains);
    REQUIRE(operations.start());
    REQUIRE(agents.start());
    REQUIRE(courier.load());
}

World::World(environments::GitTransports allowed) : transports(allowed) {
    core = std::make_unique<Core>(
        file(), clock, keys, log, events, links, outbound, looker, packages, transports
    );
    REQUIRE(core->store.write([&](store::UnitOfWork& unit) {
        return core->authority.create_first(unit);
    }));
    for (const auto* one : {&org, &other}) add_org(*one);
    act_for(org);
}

void World::act_for(const api::OrgScope& who) {
    api::Principal principal;
    principal.user = UserId::make(clock.now());
    principal.email = "ann@example.org";
    principal.session = SessionId::make(clock.now());
    principal.scope = who;
    principal.owner = true;
    principal.permissions = std::make_shared<std::set<std::string, std::less<>>>(
        std::set<std::string, std::less<>>{"operations.view", "operations.log"}
    );
    guard.principal = std::move(principal);
}

void World::restart() {
    core.reset();
    core = std::make_unique<Core>(
        file(), clock, keys, log, events, links, outbound, looker, packages, transports
    );
}

void World::restore(const std::filesystem::path& copy) {
    core.reset();
    ++generation;
    std::filesystem::copy_file(copy, file());
    core = std::make_unique<Core>(
        file(), clock, keys, log, events, links, outbound, looker, packages, transports
    );
}

Reply World::call(
    std::string method, std::string path, boost::json::value body,
    std::vector<std::pair<std::string, std::string>> headers
) {
    api::Request request;
    request.method = api::method_from(method).value();
    auto question = path.find('?');
    request.path = path.substr(0, question);
    if (question != std::string::npos) request.query = path.substr(question + 1);
    request.headers = std::move(headers);
    if (!body.is_null())
        request.body =
            body.is_string() ? std::string(body.get_string()) : boost::json::serialize(body);
    request.address = "192.0.2.7";
    request.request_id = "req-1";
    request.at = clock.now();
    std::string pattern;
    api::Router router(core->table, guard);
    auto response = router.handle(request, pattern);
    Reply reply;
    reply.status = response.status;
    if (!response.body.empty()) reply.json = boost::json::parse(response.body);
    reply.headers = std::move(response.headers);
    reply.events = std::move(response.events);
    return reply;
}

Reply World::in_org(
    std::string method, std::string path, boost::json::value body,
    std::vector<std::pair<std::string, std::string>> headers
) {
    return call(
        std::move(method), "/api/v1/orgs/" + guard.principal->scope->org().str() + path,
        std::move(body), std::move(headers)
    );
}

std::string World::make_token(boost::json::object body) {
    auto reply = in_org("POST", "/registration-tokens", body);
    REQUIRE(reply.status == 201);
    return reply.text("token");
}

void World::add_org(const api::OrgScope& scope, orgs::Plan plan) {
    REQUIRE(core->store.write([&](store::UnitOfWork& unit) {
        return unit.db().run(
            "INSERT INTO org (id, name, slug, plan, created_ms) VALUES ($1, 'Acme', $1, $2, $3)",
            scope.org(), plan, clock.now()
        );
    }));
}

ServerId World::add_server(std::string name) {
    last_key = crypto::P256Key::generate();
    auto reply = call(
        "POST", "/api/v1/agent/enroll",
        {{"token", make_token()},
         {"csr", crypto::make_csr(last_key, "agent")},
         {"name", name},
         {"capability", proto::protocol},
         {"facts", boost::json::object()}}
    );
    REQUIRE_MESSAGE(reply.status == 201, boost::json::serialize(reply.json));
    return ServerId::parse(reply.text("server_id")).value();
}

std::vector<std::string> World::audited() {
    return core->store
        .read([&](store::Connection& db) {
            return db.all<std::string>(
                "SELECT action || ' ' || result FROM audit_entry WHERE org_id = $1 ORDER BY id",
                guard.principal->scope->org()
            );
        })
        .value();
}

} // namespace fairlead::test
