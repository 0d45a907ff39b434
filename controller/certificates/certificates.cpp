#include "controller/certificates/certificates.hpp"

#include "common/crypto/x509_web.hpp"
#include "common/runtime/log.hpp"
#include "controller/certificates/schedule.hpp"
#include "controller/certificates/view.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

namespace fairlead::certificates {
namespace {

using api::ScopeIssuer;

/// The controller's own doing.
const api::Actor controller{};

/// How far the pauses grow. What is wrong here is put right here, and then nobody shall wait long.
std::int64_t most_counted(const std::string& code) {
    if (code == "acme_client_missing" || code == "egress_missing") return 1;
    return code == "acme_unreachable" ? 3 : std::numeric_limits<std::int64_t>::max();
}

boost::json::object facts_of(const Certificate& certificate) {
    return {
        {"issuer", certificate.issuer},
        {"serial", certificate.serial},
        {"not_after", to_rfc3339(certificate.not_after_ms.value_or(Timestamp()))}};
}

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
        FAIRLEAD_TRY(names, routed(db));
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

Result<std::optional<Certificates::Pause>> Certificates::pause(store::Connection& db) const {
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
        FAIRLEAD_TRY(next, next_due(db));
        if (next && shut) return std::max(*next, *shut->until);
        return next;
    });
}

/// Written down before it is begun: an attempt counts even when the program ends in it.
Result<std::optional<Certificates::Job>> Certificates::begin() {
    auto now = parts_.clock.now();
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<std::optional<Job>> {
        FAIRLEAD_TRY(shut, pause(unit.db()));
        if (shut) return std::optional<Job>();
        FAIRLEAD_CHECK(forget_attempts(unit.db(), now - counted_for));
        FAIRLEAD_TRY(next, due(unit.db(), now));
        if (!next) return std::optional<Job>();
        FAIRLEAD_TRY(
            account, AccountRepo(unit.db()).open(parts_.authority->directory, parts_.keys)
        );
        CertificateRepo repo(unit.db(), ScopeIssuer::scope(next->org_id));
        next->running = true;
        FAIRLEAD_CHECK(repo.update(*next));
        FAIRLEAD_CHECK(repo.note_attempt(next->name, now));
        publish(unit, *next);
        return std::optional<Job>(Job{*next, account});
    });
}

Result<> Certificates::enrol(AccountRow& row, const Account& account, const std::stop_token& stop) {
    if (row.registered_ms && row.contact == account.contact) return {};
    FAIRLEAD_CHECK(parts_.client->enrol(account, stop));
    row.registered_ms = parts_.clock.now();
    row.contact = account.contact;
    log::info("registered at a certificate authority", {{"directory", row.directory}});
    return parts_.store.write([&](store::UnitOfWork& unit) {
        return AccountRepo(unit.db()).update(row);
    });
}

Result<Certificates::Made> Certificates::make(Job& job, const std::stop_token& stop) {
    FAIRLEAD_TRY(
        account_key,
        parts_.keys.open(job.account.sealed_key.bytes, account_context(job.account.directory))
    );
    Account account{job.account.directory, parts_.authority->contact, std::move(account_key)};
    FAIRLEAD_CHECK(enrol(job.account, account, stop));
    auto key = crypto::P256Key::generate();
    FAIRLEAD_TRY(csr, crypto::make_csr_for(key, {job.certificate.name}));
    Order order{job.certificate.name, csr};
    auto answer = parts_.client->issue(account, order, stop);
    if (!answer && answer.error().code() == "acme_unregistered") {
        // It has forgotten us, such as one that was set up anew.
        job.account.registered_ms.reset();
        FAIRLEAD_CHECK(enrol(job.account, account, stop));
        answer = parts_.client->issue(account, order, stop);
    }
    FAIRLEAD_TRY(chain, std::move(answer));

    // Whatever came is looked at before it takes the place of what is served.
    auto bad = [&](std::string what) {
        return fail(
            Error(Errc::unavailable, "The certificate authority sent a certificate " + what + ".")
                .with_code("acme_bad_certificate")
        );
    };
    auto pems = crypto::split_certificates(chain);
    auto facts = crypto::parse_certificate(chain);
    if (!pems || !facts) return bad("that cannot be read");
    if (facts->spki_sha256 != key.spki_sha256()) return bad("for another key");
    if (std::ranges::find(facts->names.dns, job.certificate.name) == facts->names.dns.end())
        return bad("for another name");
    auto now = parts_.clock.now();
    if (facts->not_after <= now)
        return bad("that ended on " + to_rfc3339(facts->not_after) + "; is the clock here right?");
    Made made{{},
              std::move(key),
              facts->not_before,
              facts->not_after,
              facts->issuer_common_name,
              facts->serial};
    for (const auto& pem : *pems) made.chain += pem;
    return made;
}

void Certificates::succeed(Certificate& c, const Made& made) const {
    c.state = State::issued;
    c.issuer = made.issuer;
    c.serial = made.serial;
    c.not_before_ms = made.not_before;
    c.not_after_ms = made.not_after;
    c.next_ms = renewal_at(made.not_before, made.not_after, parts_.chance());
    c.failures = 0;
    c.failing_since_ms.reset();
    c.error_code.clear();
    c.error_message.clear();
    c.told_failing = c.told_ending = false;
}

/// Others would end alike: nobody asks for a while.
Result<> Certificates::pause_all(store::Connection& db, Certificate& c, const Error& why) const {
    AccountRepo repo(db);
    FAIRLEAD_TRY(account, repo.find(parts_.authority->directory));
    if (!account) return {};
    auto now = parts_.clock.now();
    ++account->failures;
    auto counted = std::min(account->failures, most_counted(why.code()));
    account->paused_until_ms = now + pause_after(counted, parts_.chance());
    account->error_code = why.code();
    account->error_message = why.message();
    if (why.code() == "acme_unregistered") account->registered_ms.reset();
    c.next_ms = *account->paused_until_ms;
    return repo.update(*account);
}

Result<>
Certificates::fail_attempt(store::UnitOfWork& unit, Certificate& c, const Error& why) const {
    auto now = parts_.clock.now();
    if (why.code() == "stopped") {
        c.next_ms = now;
        return {};
    }
    auto code = why.code().empty() ? std::string("acme_failed") : why.code();
    bool told = c.state == State::failed && c.error_code == code;
    c.state = State::failed;
    c.error_code = code;
    c.error_message = why.message();
    if (!c.failing_since_ms) c.failing_since_ms = now;
    if (concerns_all(code)) {
        FAIRLEAD_CHECK(pause_all(unit.db(), c, why));
    } else {
        ++c.failures;
        c.next_ms = now + pause_after(c.failures, parts_.chance());
    }
    log::warning(
        "no certificate was issued", {{"name", c.name},
                                      {"code", code},
                                      {"reason", why.message()},
                                      {"detail", why.detail()},
                                      {"next", to_rfc3339(c.next_ms)}}
    );
    // Once for each reason: the log is for what changes.
    if (told) return {};
    auto act = act_on(c, "certificate.fail");
    act.outcome = api::Act::Outcome::failed;
    act.after = boost::json::object{{"code", code}};
    parts_.audit.record(unit, ScopeIssuer::scope(c.org_id), controller, std::move(act));
    return {};
}

Result<bool> Certificates::settle(const Job& job, const Result<Made>& made) {
    auto scope = ScopeIssuer::scope(job.certificate.org_id);
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<bool> {
        CertificateRepo repo(unit.db(), scope);
        FAIRLEAD_TRY(found, repo.find(job.certificate.id));
        if (!found) return false;
        auto& certificate = *found;
        certificate.running = false;
        if (made) {
            bool first = !certificate.not_after_ms;
            succeed(certificate, *made);
            auto key = made->key.to_pem();
            auto sealed = parts_.keys.seal(key, key_context(certificate.id));
            FAIRLEAD_CHECK(repo.set_chain(certificate.id, made->chain, store::Blob{sealed}));
            auto act = act_on(certificate, first ? "certificate.issue" : "certificate.renew");
            act.after = facts_of(certificate);
            parts_.audit.record(unit, scope, controller, std::move(act));
            AccountRepo accounts(unit.db());
            FAIRLEAD_TRY(account, accounts.find(job.account.directory));
            if (account && account->failures > 0) {
                account->failures = 0;
                account->paused_until_ms.reset();
                account->error_code.clear();
                account->error_message.clear();
                FAIRLEAD_CHECK(accounts.update(*account));
            }
        } else {
            FAIRLEAD_CHECK(fail_attempt(unit, certificate, made.error()));
        }
        FAIRLEAD_CHECK(repo.update(certificate));
        publish(unit, certificate);
        return true;
    });
}

Result<bool> Certificates::step(const std::stop_token& stop) {
    FAIRLEAD_TRY(soonest, next());
    if (!soonest || *soonest > parts_.clock.now()) return false;
    FAIRLEAD_TRY(job, begin());
    if (!job) return false;
    const auto& name = job->certificate.name;
    auto made = make(*job, stop);
    FAIRLEAD_TRY(kept, settle(*job, made));
    if (!made || !kept) return true;
    auto key = made->key.to_pem();
    FAIRLEAD_CHECK(show(name, made->chain, key));
    log::info(
        "a certificate was issued",
        {{"name", name}, {"issuer", made->issuer}, {"not_after", to_rfc3339(made->not_after)}}
    );
    return true;
}

Result<> Certificates::watch() {
    auto now = parts_.clock.now();
    FAIRLEAD_TRY(found, parts_.store.read([&](store::Connection& db) {
        return troubled(db, now);
    }));
    if (found.empty()) return {};
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        for (const auto& seen : found) {
            auto scope = ScopeIssuer::scope(seen.org_id);
            CertificateRepo repo(unit.db(), scope);
            FAIRLEAD_TRY(row, repo.find(seen.id));
            if (!row || !row->failing_since_ms) continue;
            bool ending = row->not_after_ms && *row->not_after_ms < now + told_before_end;
            auto trouble = ending && !row->told_ending ? Trouble::ending : Trouble::failing;
            // The later news holds the earlier.
            row->told_failing = true;
            row->told_ending = ending;
            FAIRLEAD_CHECK(repo.update(*row));
            if (notice_) FAIRLEAD_CHECK(notice_(unit, scope, *row, trouble));
        }
        return {};
    });
}

/// Whoever asks has perhaps put it right. How often they may ask is limited by name.
Result<> Certificates::end_pause(store::Connection& db, Timestamp now) const {
    AccountRepo repo(db);
    FAIRLEAD_TRY(account, repo.find(parts_.authority->directory));
    if (!account || !account->paused_until_ms || account->error_code == "acme_rate_limited")
        return {};
    account->paused_until_ms = std::min(*account->paused_until_ms, now);
    return repo.update(*account);
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
    FAIRLEAD_CHECK(repo.update(certificate));
    FAIRLEAD_CHECK(end_pause(change.db(), now));
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
