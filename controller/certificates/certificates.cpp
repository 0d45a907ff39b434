#include "controller/certificates/certificates.hpp"

#include "common/runtime/log.hpp"
#include "controller/certificates/schedule.hpp"
#include "controller/certificates/view.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::certificates {
namespace {

using api::ScopeIssuer;

/// The controller's own doing.
const api::Actor controller{};

} // namespace

Certificates::Certificates(Parts parts) : parts_(std::move(parts)) {}

void Certificates::publish(store::UnitOfWork& unit, const Certificate& certificate) const {
    auto shut = pause(unit.db());
    api::publish(
        unit, parts_.events,
        {event(
            certificate.org_id, "certificate.updated",
            to_json(certificate, shut ? *shut : std::nullopt)
        )}
    );
}

Result<> Certificates::show(const Served& served) {
    FAIRLEAD_TRY(key, parts_.keys.open(served.sealed_key.bytes, key_context(served.id)));
    return show(served.name, served.chain, key);
}

Result<> Certificates::show(const std::string& name, const std::string& chain, const Secret& key) {
    FAIRLEAD_CHECK(parts_.faces.show(name, chain, key));
    shown_.insert(name);
    return {};
}

void Certificates::hide(const std::string& name) {
    if (shown_.erase(name) == 0) return;
    parts_.faces.hide(name);
    log::info("a certificate is not served any more", {{"name", name}});
}

Result<> Certificates::load() {
    FAIRLEAD_CHECK(parts_.store.write([&](store::UnitOfWork& unit) {
        return resume(unit.db(), parts_.clock.now());
    }));
    constexpr std::int64_t at_once = 500;
    CertificateId after;
    for (;;) {
        FAIRLEAD_TRY(rows, parts_.store.read([&](store::Connection& db) {
            return served(db, after, at_once);
        }));
        for (const auto& row : rows)
            if (auto shown = show(row); !shown)
                log::error(
                    "a certificate cannot be served",
                    {{"name", row.name}, {"reason", shown.error().message()}}
                );
        if (rows.size() < static_cast<std::size_t>(at_once)) return {};
        after = rows.back().id;
    }
}

Result<> Certificates::sync() {
    Names wanted;
    std::map<std::string, Known> there;
    auto looked = parts_.store.read([&](store::Connection& db) -> Result<> {
        FAIRLEAD_TRY(names, parts_.routed(db));
        FAIRLEAD_TRY(rows, known(db));
        wanted = std::move(names);
        there = std::move(rows);
        return {};
    });
    FAIRLEAD_CHECK(looked);
    for (const auto& name : parts_.own_names) wanted.erase(name);
    // Also those whose organization, and with it their row, is gone.
    std::vector<std::string> unwanted;
    for (const auto& name : shown_)
        if (!wanted.contains(name)) unwanted.push_back(name);
    for (const auto& name : unwanted) hide(name);
    std::vector<std::pair<std::string, Known>> gone;
    std::vector<std::pair<std::string, OrgId>> fresh;
    for (const auto& [name, row] : there) {
        auto found = wanted.find(name);
        if (found == wanted.end() || found->second != row.org) gone.emplace_back(name, row);
    }
    for (const auto& [name, org] : wanted) {
        auto found = there.find(name);
        // What goes from one organization to another goes first, and comes with the next sync.
        if (found == there.end()) fresh.emplace_back(name, org);
    }
    if (gone.size() > changed_at_once) gone.resize(changed_at_once);
    if (fresh.size() > changed_at_once) fresh.resize(changed_at_once);
    if (gone.empty() && fresh.empty()) return {};
    auto now = parts_.clock.now();
    auto changed = parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        for (const auto& [name, row] : gone) {
            auto scope = ScopeIssuer::scope(row.org);
            CertificateRepo repo(unit.db(), scope);
            FAIRLEAD_TRY(certificate, repo.find(row.id));
            if (!certificate) continue;
            FAIRLEAD_CHECK(repo.remove(row.id));
            parts_.audit.record(
                unit, scope, controller, act_on(*certificate, "certificate.remove")
            );
            api::publish(
                unit, parts_.events,
                {event(row.org, "certificate.deleted", boost::json::object{{"id", row.id.str()}})}
            );
        }
        for (const auto& [name, org] : fresh) {
            Certificate certificate;
            certificate.id = CertificateId::make(now);
            certificate.org_id = org;
            certificate.name = name;
            certificate.next_ms = certificate.created_ms = now;
            FAIRLEAD_CHECK(CertificateRepo(unit.db(), ScopeIssuer::scope(org)).insert(certificate));
            publish(unit, certificate);
        }
        return {};
    });
    FAIRLEAD_CHECK(changed);
    for (const auto& [name, row] : gone) hide(name);
    return {};
}

Result<std::optional<Pause>> Certificates::pause(store::Connection& db) const {
    if (!parts_.client || !parts_.authority)
        return Pause{
            "acme_not_configured",
            "This controller asks for no certificates: its operator names a certificate authority "
            "in controller.yaml (acme:). Until then the name is served with the controller's own "
            "certificate, which browsers do not know.",
            {}};
    FAIRLEAD_TRY(account, AccountRepo(db).find(parts_.authority->directory));
    if (!account || !account->paused_until_ms || *account->paused_until_ms <= parts_.clock.now())
        return std::optional<Pause>();
    return Pause{account->error_code, account->error_message, account->paused_until_ms};
}

Result<std::optional<Timestamp>> Certificates::next() const {
    return parts_.store.read([&](store::Connection& db) -> Result<std::optional<Timestamp>> {
        FAIRLEAD_TRY(shut, pause(db));
        if (shut && !shut->until) return std::optional<Timestamp>();
        FAIRLEAD_TRY(next, next_due(db, Among::all));
        if (!next || !shut) return next;
        FAIRLEAD_TRY(asked, next_due(db, Among::asked));
        auto later = std::max(*next, *shut->until);
        return asked ? std::min(*asked, later) : later;
    });
}

Result<Certificate>
Certificates::renew(api::Change& change, Certificate certificate, Timestamp now) {
    if (!parts_.client)
        return api::conflict(
            "acme_not_configured", "This controller asks for no certificates: its operator names a "
                                   "certificate authority in controller.yaml (acme:)."
        );
    if (certificate.running)
        return api::conflict(
            "certificate_running", "It is being asked for just now. Wait until that has ended."
        );
    auto fresh_until = certificate.not_before_ms.value_or(Timestamp()) + fresh_for;
    if (certificate.state == State::issued && now < certificate.not_after_ms && now < fresh_until)
        return api::conflict(
            "certificate_fresh",
            fmt::format(
                "It was issued less than a day ago, and is good until {}: a new one would be no "
                "better. Where visitors are shown another one, see that the name leads to this "
                "controller. It can be asked for again from {} on.",
                to_rfc3339(*certificate.not_after_ms), to_rfc3339(fresh_until)
            )
        );
    CertificateRepo repo(change.db(), change.scope());
    FAIRLEAD_TRY(attempts, repo.attempts(certificate.name, now - counted_for));
    if (attempts >= most_for_name)
        return api::conflict(
            "too_many_attempts",
            fmt::format(
                "It was asked for {} times within an hour, which is the most that certificate "
                "authorities take. Wait an hour.",
                attempts
            )
        );
    certificate.next_ms = now;
    certificate.asked = true;
    FAIRLEAD_CHECK(repo.update(certificate));
    change.record(act_on(certificate, "certificate.ask"));
    publish(change.unit(), certificate);
    change.unit().after_commit([this] { due_(); });
    return certificate;
}

Result<> visit_sealed(store::Connection& db, const api::SealedVisitor& visit) {
    constexpr std::int64_t at_once = 500;
    CertificateId after;
    for (;;) {
        FAIRLEAD_TRY(rows, served(db, after, at_once));
        for (const auto& row : rows)
            FAIRLEAD_CHECK(api::visit_one(
                visit, row.sealed_key, key_context(row.id),
                [&](const store::Blob& now) {
                    return db.run(
                        "UPDATE certificate SET sealed_key = $3 WHERE org_id = $1 AND id = $2",
                        row.org_id, row.id, now
                    );
                }
            ));
        if (rows.size() < static_cast<std::size_t>(at_once)) break;
        after = rows.back().id;
    }
    // As many as directories were ever named in the configuration.
    FAIRLEAD_TRY(
        accounts, (db.all<std::tuple<std::string, store::Blob>>(
                      "SELECT directory, sealed_key FROM acme_account ORDER BY directory LIMIT 1000"
                  ))
    );
    for (const auto& [directory, sealed] : accounts)
        FAIRLEAD_CHECK(api::visit_one(
            visit, sealed, account_context(directory),
            [&db, &directory = directory](const store::Blob& now) {
                return db.run(
                    "UPDATE acme_account SET sealed_key = $2 WHERE directory = $1", directory, now
                );
            }
        ));
    return {};
}

Result<> erase(store::Connection& db, const api::OrgScope& scope) {
    FAIRLEAD_CHECK(db.run("DELETE FROM certificate_attempt WHERE org_id = $1", scope.org()));
    FAIRLEAD_CHECK(db.run("DELETE FROM certificate WHERE org_id = $1", scope.org()));
    return {};
}

} // namespace fairlead::certificates
