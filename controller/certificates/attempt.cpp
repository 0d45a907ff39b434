// One attempt for one name: what is asked of the authority, and what becomes of its answer.
#include "common/crypto/x509_web.hpp"
#include "common/runtime/log.hpp"
#include "controller/certificates/certificates.hpp"
#include "controller/certificates/schedule.hpp"
#include "controller/certificates/view.hpp"

#include <algorithm>
#include <limits>

namespace fairlead::certificates {
namespace {

using api::ScopeIssuer;

/// The controller's own doing.
const api::Actor controller{};

/// How far the pauses grow. What is wrong here is put right here, and then nobody shall wait long.
/// A limit may be of one name alone, which waits by itself.
std::int64_t most_counted(const std::string& code) {
    if (code == "acme_client_missing" || code == "egress_missing" || code == "acme_rate_limited")
        return 1;
    return code == "acme_unreachable" ? 3 : std::numeric_limits<std::int64_t>::max();
}

boost::json::object facts_of(const Certificate& certificate) {
    return {
        {"issuer", certificate.issuer},
        {"serial", certificate.serial},
        {"not_after", to_rfc3339(certificate.not_after_ms.value_or(Timestamp()))}};
}

} // namespace

/// Written down before it is begun: an attempt counts even when the program ends in it.
Result<std::optional<Certificates::Job>> Certificates::begin() {
    auto now = parts_.clock.now();
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<std::optional<Job>> {
        FAIRLEAD_TRY(shut, pause(unit.db()));
        if (shut && !shut->until) return std::optional<Job>();
        FAIRLEAD_CHECK(forget_attempts(unit.db(), now - counted_for));
        FAIRLEAD_TRY(next, due(unit.db(), now, shut ? Among::asked : Among::all));
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
    c.asked = false;
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

/// Others may end alike: nobody asks for a while, until when it tells. A pause that is there stays
/// as it is, or whoever asks in spite of it would make it longer for everybody.
Result<Timestamp> Certificates::pause_all(store::Connection& db, const Error& why) const {
    AccountRepo repo(db);
    FAIRLEAD_TRY(account, repo.open(parts_.authority->directory, parts_.keys));
    auto now = parts_.clock.now();
    if (why.code() == "acme_unregistered") account.registered_ms.reset();
    if (!account.paused_until_ms || *account.paused_until_ms <= now) {
        // What one name may bring about by itself makes the next outage no longer.
        if (!concerns_name(why.code())) ++account.failures;
        auto counted = std::min(account.failures, most_counted(why.code()));
        account.paused_until_ms = now + pause_after(counted, parts_.chance());
        account.error_code = why.code();
        account.error_message = why.message();
    }
    FAIRLEAD_CHECK(repo.update(account));
    return *account.paused_until_ms;
}

/// Something came through.
Result<> Certificates::end_pause(store::Connection& db) const {
    AccountRepo repo(db);
    FAIRLEAD_TRY(account, repo.find(parts_.authority->directory));
    if (!account || !account->paused_until_ms) return {};
    account->failures = 0;
    account->paused_until_ms.reset();
    account->error_code.clear();
    account->error_message.clear();
    return repo.update(*account);
}

Result<>
Certificates::fail_attempt(store::UnitOfWork& unit, Certificate& c, const Error& why) const {
    auto now = parts_.clock.now();
    if (why.code() == "stopped") {
        c.next_ms = now;
        return {};
    }
    c.asked = false;
    auto code = why.code().empty() ? std::string("acme_failed") : why.code();
    bool told = c.state == State::failed && c.error_code == code;
    c.state = State::failed;
    c.error_code = code;
    c.error_message = sentence_of(why);
    if (!c.failing_since_ms) c.failing_since_ms = now;
    if (concerns_all(code)) {
        FAIRLEAD_TRY(until, pause_all(unit.db(), why));
        c.next_ms = until;
    }
    if (concerns_name(code)) {
        ++c.failures;
        auto pause = code == "acme_rate_limited" ? pause_after_limit : pause_after;
        c.next_ms = now + pause(c.failures, parts_.chance());
    }
    log::warning(
        "no certificate was issued", {{"name", c.name},
                                      {"code", code},
                                      {"reason", c.error_message},
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
            FAIRLEAD_CHECK(end_pause(unit.db()));
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

} // namespace fairlead::certificates
