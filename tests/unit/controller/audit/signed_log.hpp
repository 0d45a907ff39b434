/// A log with the key that signs it, and somebody who has the database.
#pragma once

#include "common/store/memory_db.hpp"
#include "controller/audit/check.hpp"
#include "controller/audit/entries.hpp"
#include "controller/audit/export.hpp"
#include "controller/audit/log.hpp"
#include "controller/audit/notary.hpp"
#include "controller/audit/retention.hpp"
#include "controller/audit/schema.hpp"
#include "controller/orgs/orgs.hpp"
#include "controller/orgs/schema.hpp"

#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::test {

struct SignedLog {
    store::Migration steps[3] = {
        {1, "orgs", orgs::first_tables},
        {2, "audit", audit::first_tables},
        {3, "signed horizons", audit::signed_horizons}};
    store::TemporaryStore store{steps};
    FakeClock clock;
    orgs::Plans plans;
    audit::Log log{clock};
    crypto::Keystore keys = crypto::Keystore::ephemeral();
    audit::Notary notary{store.store(), keys, "fairlead.example"};
    api::OrgScope org = api::ScopeIssuer::scope(OrgId());

    SignedLog() {
        auto made = store->write([&](store::UnitOfWork& unit) {
            return orgs::Memberships(unit.db()).create("Acme", orgs::Plan::agency, clock.now());
        });
        org = api::ScopeIssuer::scope(made.value().id);
    }

    void record(int count, std::string label = "ann@example.org") {
        auto done = store->write([&](store::UnitOfWork& unit) -> Result<> {
            for (int i = 0; i < count; ++i) {
                api::Act act{"environment.edit", "environment", "env_1", "shop"};
                act.after = boost::json::object{{"workers", i}, {"ratio", 0.5}, {"b", 1}, {"a", 2}};
                log.record(
                    unit, org,
                    {api::Actor::Kind::user, "usr_1", label, "192.0.2.1", "curl", "req-1"},
                    std::move(act)
                );
                clock.advance(std::chrono::seconds(1));
            }
            return {};
        });
        REQUIRE(done);
    }

    /// What the program does every ten minutes.
    void tidy() { REQUIRE(audit::Retention(store.store(), plans, notary).tidy(clock.now())); }

    void sign() { REQUIRE(notary.sign_news(clock.now())); }

    /// Somebody with the file: no trigger holds him.
    void tamper(const char* sql) {
        auto done = store->write([&](store::UnitOfWork& unit) -> Result<> {
            std::string triggers;
            auto names =
                unit.db().all<std::string>("SELECT name FROM sqlite_master WHERE type = 'trigger'");
            for (const auto& name : names.value()) triggers += "DROP TRIGGER " + name + ";";
            unit.db().script(triggers + sql);
            return {};
        });
        REQUIRE(done);
    }

    std::vector<std::string> wrong() {
        auto verdicts = store->read([&](store::Connection& db) {
            return audit::check_database(db, notary.verifier());
        });
        std::vector<std::string> all;
        for (const auto& verdict : verdicts.value())
            all.insert(all.end(), verdict.bad.begin(), verdict.bad.end());
        return all;
    }

    std::string exported(audit::ExportFormat format, audit::Filter filter = {}) {
        auto checkpoint = store->write([&](store::UnitOfWork& unit) {
            return notary.sign(unit, org, clock.now());
        });
        audit::Export whole(
            store.store(), org, format, std::move(filter), checkpoint.value(), notary
        );
        std::string text;
        for (;;) {
            auto piece = whole.next().value();
            if (piece.empty()) return text;
            text += piece;
        }
    }

    audit::Verdict verdict_of(const std::string& text) {
        std::istringstream file(text);
        return audit::check_export(file, notary.verifier()).value();
    }
};

inline bool names(const std::vector<std::string>& findings, std::string_view what) {
    return !findings.empty() && findings.front().find(what) != std::string::npos;
}

} // namespace fairlead::test
