/// A controller's core without a network: store, subjects and a router, with a clock that stands
/// still and peers that record.
#pragma once

#include "common/crypto/keystore.hpp"
#include "common/store/memory_db.hpp"
#include "controller/api/router.hpp"
#include "controller/audit/log.hpp"
#include "controller/authority/authority.hpp"
#include "controller/backups/backups.hpp"
#include "controller/backups/copy_chain.hpp"
#include "controller/domains/checker.hpp"
#include "controller/environments/routes.hpp"
#include "controller/fleet/agent_service.hpp"
#include "controller/fleet/server_routes.hpp"
#include "controller/imports/imports.hpp"
#include "controller/metrics/routes.hpp"
#include "controller/odoo_login/logins.hpp"
#include "controller/operations/operations.hpp"
#include "controller/orgs/plans.hpp"
#include "controller/pushes/pushes.hpp"
#include "controller/ssh/ssh_keys.hpp"
#include "controller/tunnels/tunnel_keys.hpp"
#include "controller/updates/updates.hpp"
#include "controller/webhooks/courier.hpp"
#include "controller/webhooks/operation_news.hpp"
#include "controller/webhooks/webhooks.hpp"

#include <boost/json.hpp>

#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace fairlead::test {

/// Keeps what was published.
class RecordingEvents final : public api::EventSink {
public:
    void publish(api::Event event) override {
        std::lock_guard lock(mutex_);
        events_.push_back(std::move(event));
    }
    std::uint64_t position() const override {
        std::lock_guard lock(mutex_);
        return events_.size();
    }
    bool can_resume(std::uint64_t id) const override { return id >= oldest; }
    void end_streams(std::string) override {}

    std::vector<api::Event> take();
    /// "operation.updated" and so on, in order.
    std::vector<std::string> types();
    std::uint64_t oldest = 0;

private:
    mutable std::mutex mutex_;
    std::vector<api::Event> events_;
};

class RecordingLinks final : public operations::Links {
public:
    void send(const ServerId&, std::string link, std::vector<std::string> messages) override {
        std::lock_guard lock(mutex_);
        auto& to = sent[link];
        std::move(messages.begin(), messages.end(), std::back_inserter(to));
    }
    void wake(const ServerId& server) override {
        std::lock_guard lock(mutex_);
        woken.push_back(server);
    }
    void cut(const ServerId& server, std::string code, std::string) override {
        std::lock_guard lock(mutex_);
        cuts.emplace_back(server, std::move(code));
    }
    std::map<std::string, std::vector<std::string>> sent; ///< by link
    std::vector<ServerId> woken;
    std::vector<std::pair<ServerId, std::string>> cuts;

private:
    std::mutex mutex_;
};

/// Answers what it was told to, and remembers what was sent.
class PlayedOutbound final : public outbound::Outbound {
public:
    Result<> check(const std::string& url) const override;
    Result<outbound::Answer> send(const outbound::Request& request) override;

    std::vector<outbound::Request> take();
    /// From now on, of every receiver. May block: send() is called on many threads.
    void answers(std::function<Result<outbound::Answer>(const outbound::Request&)> answer);
    void answers(int status, std::string body = "", net::Headers headers = {});

private:
    mutable std::mutex mutex_;
    std::vector<outbound::Request> sent_;
    std::function<Result<outbound::Answer>(const outbound::Request&)> answer_ =
        [](const outbound::Request&) {
            return outbound::Answer{204, {}, ""};
        };
};

/// Names and web servers as a test says they are: what is not there is missing.
class PlayedLooker final : public domains::Looker {
public:
    domains::Looked look(const domains::Domain& domain) override;

    /// From now on, for this name; may block, as look() is called on many threads.
    using See = std::function<domains::Looked(const domains::Domain&)>;
    void sees(std::string name, See see);
    void sees(std::string name, domains::Finding finding);
    std::vector<std::string> take(); ///< what was looked at

private:
    std::mutex mutex_;
    std::map<std::string, See> see_;
    std::vector<std::string> looked_;
};

/// Admits to the one organization that the caller of the moment belongs to.
class TestGuard final : public api::Guard {
public:
    Result<std::optional<api::Principal>>
    admit(const api::Request&, const api::Route& route, std::string_view org, std::optional<api::Rate>&)
        override;
    bool knows(std::string_view permission) const override { return !permission.empty(); }
    std::optional<api::Principal> principal;
};

struct Reply {
    int status = 0;
    boost::json::value json;
    std::vector<std::pair<std::string, std::string>> headers;
    std::optional<api::EventStream> events;

    std::string text(std::string_view name) const { return std::string(json.at(name).as_string()); }
    std::string code() const {
        return json.is_object() && json.get_object().contains("code") ? text("code") : "";
    }
    std::string id() const { return text("id"); }
    /// Does `errors` name this field?
    bool blames(std::string_view field) const;
};

/// Everything that ends with the process; the store's file and the master key outlive it.
struct Core {
    Core(
        const std::filesystem::path& file, const Clock& clock, const crypto::Keystore& keys,
        audit::Log& log, RecordingEvents& events, RecordingLinks& links, PlayedOutbound& outbound,
        PlayedLooker& looker, const install::Packages& packages,
        environments::GitTransports transports
    );

    orgs::Plans plans;
    store::Store store;
    authority::Authority authority;
    operations::Operations operations;
    environments::LiveState live;
    fleet::Enrolment enrolment;
    fleet::AgentService agents;
    environments::Environments environments;
    backups::Backups backups;
    backups::Copies copies;
    imports::Imports imports;
    pushes::Pushes pushes;
    ssh::SshKeys ssh_keys;
    odoo_login::Logins logins;
    updates::Updates updates;
    metrics::Recorder recorder;
    metrics::RouteParts metric_parts;
    tunnels::TunnelKeys tunnel_keys;
    webhooks::Queue queue;
    webhooks::OperationNews operation_news;
    webhooks::Webhooks webhooks;
    webhooks::Courier courier; ///< without threads
    domains::Domains domains;
    domains::Checker checker; ///< without threads
    std::vector<std::pair<std::string, domains::News>> domain_news;
    fleet::RouteParts parts;
    api::RouteTable table;
};

class World {
public:
    explicit World(environments::GitTransports transports = environments::GitTransports::safe);

    /// As a user of `org`, with every permission.
    Reply call(
        std::string method, std::string path, boost::json::value body = nullptr,
        std::vector<std::pair<std::string, std::string>> headers = {}
    );
    /// The same below /api/v1/orgs/{org}.
    Reply in_org(
        std::string method, std::string path, boost::json::value body = nullptr,
        std::vector<std::pair<std::string, std::string>> headers = {}
    );
    /// Whose user calls from now on.
    void act_for(const api::OrgScope& who);

    /// Stops and starts again on the same file.
    void restart();
    void copy_to(const std::filesystem::path& file) { core->store.backup_to(file); }
    /// Starts on a copy: what happened since is forgotten.
    void restore(const std::filesystem::path& file);

    void add_org(const api::OrgScope& scope, orgs::Plan plan = orgs::Plan::agency);
    /// A server row with a certificate, enrolled through the front door.
    ServerId add_server(std::string name = "odoo-fra-1");
    std::string make_token(boost::json::object body = {{"name", "token"}});

    /// Actions of the audit log of `org`, oldest first: "server.enroll ok".
    std::vector<std::string> audited();
    template <class T, class... Args>
    T one(store::Sql sql, const Args&... args) {
        return core->store.read([&](store::Connection& db) { return db.one<T>(sql, args...); })
            .value()
            .value();
    }

    store::TemporaryFolder folder;
    FakeClock clock;
    crypto::Keystore keys = crypto::Keystore::ephemeral();
    audit::Log log{clock};
    RecordingEvents events;
    RecordingLinks links;
    PlayedOutbound outbound;
    PlayedLooker looker;
    /// Empty at first.
    install::Packages packages{folder.path() / "packages"};
    TestGuard guard;
    environments::GitTransports transports;
    std::unique_ptr<Core> core;
    api::OrgScope org = api::ScopeIssuer::scope(OrgId::make(clock.now()));
    api::OrgScope other = api::ScopeIssuer::scope(OrgId::make(clock.now()));
    crypto::P256Key last_key = crypto::P256Key::generate(); ///< of the server added last
    int generation = 0;

private:
    std::filesystem::path file() const {
        return folder.path() / ("db" + std::to_string(generation));
    }
};

} // namespace fairlead::test
