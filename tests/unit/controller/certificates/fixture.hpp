/// Names that are routed, a played authority, and the faces that are shown.
#pragma once

#include "common/crypto/x509.hpp"
#include "common/store/memory_db.hpp"
#include "controller/api/router.hpp"
#include "controller/audit/log.hpp"
#include "controller/audit/schema.hpp"
#include "controller/certificates/certificates.hpp"
#include "controller/certificates/routes.hpp"
#include "controller/certificates/schedule.hpp"
#include "controller/certificates/schema.hpp"
#include "controller/domains/schema.hpp"
#include "controller/edge/load.hpp"
#include "controller/environments/schema.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace fairlead::test {

using namespace std::chrono_literals;
using namespace certificates;

inline constexpr auto life = 24h * 90;

/// An authority that signs whatever it is asked for, unless it was told otherwise.
struct PlayedAuthority final : Client {
    explicit PlayedAuthority(const Clock& at) : clock(at) {}

    Result<> enrol(const certificates::Account& account, const std::stop_token&) override {
        contacts.push_back(account.contact);
        if (refuses_account) return fail(*refuses_account);
        return {};
    }
    Result<std::string>
    issue(const certificates::Account&, const Order& order, const std::stop_token&) override {
        asked.push_back(order.name);
        if (before) before(order.name);
        if (fails) return fail(*fails);
        return answer ? answer(order) : signed_for(order, {order.name}, life);
    }

    /// What it signs: the requested key, or another one.
    std::string signed_for(
        const Order& order, std::vector<std::string> names, std::chrono::milliseconds lasts,
        std::optional<std::string> public_der = {}
    ) const {
        crypto::IssueRequest request;
        request.public_der =
            public_der ? *public_der : crypto::parse_csr(order.csr_pem)->public_der;
        request.common_name = "leaf";
        request.names.dns = std::move(names);
        request.usage = crypto::Usage::server;
        request.validity = {clock.now() - 1h, clock.now() - 1h + lasts};
        return crypto::issue(key, pem, request).value() + pem;
    }

    const Clock& clock;
    crypto::P256Key key = crypto::P256Key::generate();
    std::string pem =
        crypto::self_sign_ca(key, "Played CA", {clock.now() - 24h * 365, clock.now() + 24h * 3650});
    std::vector<std::string> asked, contacts;
    std::function<void(const std::string&)> before;
    std::function<std::string(const Order&)> answer;
    std::optional<Error> fails, refuses_account;
};

inline Error failure(std::string code) {
    return Error(Errc::unavailable, "It went wrong.").with_code(std::move(code));
}

struct KeptEvents final : api::EventSink {
    void publish(api::Event event) override { types.push_back(event.type); }
    std::uint64_t position() const override { return 0; }
    bool can_resume(std::uint64_t) const override { return false; }
    void end_streams(std::string) override {}
    std::vector<std::string> types;
};

struct OpenGuard final : api::Guard {
    Result<std::optional<api::Principal>>
    admit(const api::Request&, const api::Route&, std::string_view, std::optional<api::Rate>&)
        override {
        return std::optional(who);
    }
    bool knows(std::string_view) const override { return true; }
    api::Principal who;
};

struct Edge {
    Edge() { start(); }

    /// As after a crash: nothing but the store is left.
    void start() {
        certificates.reset();
        shown.clear();
        certificates::Faces faces;
        faces.show = [this](const std::string& name, const std::string& chain, const Secret& key) {
            CHECK(
                crypto::P256Key::from_pem(key.reveal())->spki_sha256() ==
                crypto::parse_certificate(chain)->spki_sha256
            );
            shown[name] = chain;
            return Result<>();
        };
        faces.hide = [this](const std::string& name) { shown.erase(name); };
        std::optional<Authority> named;
        if (configured) named = Authority{"https://acme.example/directory", contact};
        certificates = std::make_unique<Certificates>(Certificates::Parts{
            store.store(),
            events,
            log,
            keys,
            clock,
            std::move(faces),
            [](store::Connection& db) -> Result<Names> {
                FAIRLEAD_TRY(table, edge::load_table(db));
                return table.owners();
            },
            {"fairlead.example"},
            configured ? &authority : nullptr,
            named,
            [] { return 0.5; }});
        certificates->on_trouble([this](auto&, const auto&, const News& news) {
            std::string names;
            for (const auto& one : news.certificates) names += one.name + " ";
            told.push_back(names + (news.trouble == Trouble::ending ? "ending" : "failing"));
            why_paused = news.pause ? news.pause->code : "";
            return Result<>();
        });
        REQUIRE(certificates->load());
    }

    /// Everything there is to do now; how many attempts that were.
    int settle() {
        REQUIRE(certificates->sync());
        REQUIRE(certificates->watch());
        int count = 0;
        for (;;) {
            auto did = certificates->step({});
            REQUIRE_MESSAGE(did, did.error().message());
            if (!*did) return count;
            ++count;
        }
    }

    std::string add_environment(
        const std::vector<std::string>& hosts, std::string exposure = "tunnel",
        std::optional<OrgId> of = {}
    ) {
        auto id = EnvironmentId::make(clock.now()).str();
        auto number = ++environments;
        auto list = boost::json::serialize(boost::json::value_from(hosts));
        write([&](store::Connection& db) {
            return db.run(
                "INSERT INTO environment (id, org_id, project_id, server_id, name, slug, type, "
                "port, gevent_port, modules, requirements, domains, workers, "
                "system_site_packages, keep_releases, created_ms, exposure) VALUES ($1, $2, 'p', "
                "'s', 'n', $3, 'production', 1, 2, '[]', '', $4, 0, 0, 3, 0, $5)",
                id, of.value_or(org.org()), "slug" + std::to_string(number), list, exposure
            );
        });
        return id;
    }
    void expose(const std::string& id, const std::string& exposure) {
        write([&](store::Connection& db) {
            return db.run("UPDATE environment SET exposure = $2 WHERE id = $1", id, exposure);
        });
    }
    void add_domain(
        const std::string& name, std::string state = "verified", std::optional<OrgId> of = {}
    ) {
        auto number = std::to_string(++domains);
        write([&](store::Connection& db) {
            return db.run(
                "INSERT INTO domains (id, org_id, name, tree, state, token, created_ms, "
                "created_by, created_by_email) VALUES ($1, $2, $3, '', $4, $1, 0, '', '')",
                "dom" + number, of.value_or(org.org()), name, state
            );
        });
    }
    template <class Work>
    void write(Work work) {
        auto done = store->write([&](store::UnitOfWork& unit) { return work(unit.db()); });
        REQUIRE_MESSAGE(done, done.error().message());
    }

    std::vector<Certificate> rows() {
        return store
            ->read([&](store::Connection& db) { return CertificateRepo(db, org).list("", 1000); })
            .value();
    }
    Certificate row(const std::string& name) {
        for (auto& one : rows())
            if (one.name == name) return one;
        throw std::runtime_error("no row of " + name);
    }
    std::vector<std::string> names() {
        std::vector<std::string> all;
        for (const auto& one : rows()) all.push_back(one.name);
        std::ranges::sort(all);
        return all;
    }
    std::vector<std::string> audited() {
        return store
            ->read([&](store::Connection& db) {
                return db.all<std::string>(
                    "SELECT action || ' ' || result FROM audit_entry WHERE org_id = $1 ORDER BY "
                    "seq",
                    org.org()
                );
            })
            .value();
    }
    std::pair<int, boost::json::value> call(std::string method, const std::string& path) {
        api::RouteTable table;
        add_routes(table, *certificates);
        OpenGuard guard;
        guard.who.scope = org;
        api::Router router(table, guard);
        api::Request request;
        request.method = api::method_from(method).value();
        request.path = "/api/v1/orgs/" + org.org().str() + "/certificates" + path;
        request.at = clock.now();
        std::string pattern;
        auto response = router.handle(request, pattern);
        return {response.status, boost::json::parse(response.body)};
    }
    static std::string code(const boost::json::value& problem) {
        return std::string(problem.at("code").as_string());
    }

    std::vector<store::Migration> steps{
        {1, "audit", audit::first_tables},
        {2, "environments", environments_schema()},
        {3, "exposure", fairlead::environments::exposure_column},
        {4, "domains", fairlead::domains::first_tables},
        {5, "certificates", certificates::first_tables},
        {6, "asked", certificates::asked_column}};
    static std::string_view environments_schema() { return fairlead::environments::first_tables; }

    FakeClock clock;
    crypto::Keystore keys = crypto::Keystore::ephemeral();
    store::TemporaryStore store{steps};
    audit::Log log{clock};
    KeptEvents events;
    PlayedAuthority authority{clock};
    bool configured = true;
    std::string contact = "ops@example.org";
    api::OrgScope org = api::ScopeIssuer::scope(OrgId::make(clock.now()));
    api::OrgScope other = api::ScopeIssuer::scope(OrgId::make(clock.now()));
    int environments = 0, domains = 0;
    std::map<std::string, std::string> shown; ///< chains by name
    std::vector<std::string> told;            ///< one for each letter
    std::string why_paused;                   ///< by the last of them
    std::unique_ptr<Certificates> certificates;
};

} // namespace fairlead::test
