/// Certificates for the names that the edge routes: asked for, renewed, served, and let go.
#pragma once

#include "common/crypto/keystore.hpp"
#include "common/crypto/p256.hpp"
#include "common/store/store.hpp"
#include "controller/api/audit_log.hpp"
#include "controller/api/change.hpp"
#include "controller/api/events.hpp"
#include "controller/api/sealed.hpp"
#include "controller/certificates/account_repo.hpp"
#include "controller/certificates/certificate_repo.hpp"
#include "controller/certificates/client.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace fairlead::certificates {

/// Where certificates are shown to whoever connects.
struct Faces {
    std::function<Result<>(const std::string& name, const std::string& chain, const Secret& key)>
        show;
    std::function<void(const std::string& name)> hide;
};

/// The authority that is asked, as the operator named it.
struct Authority {
    std::string directory, contact;
};

/// The names that the edge routes, with whose they are.
using Names = std::map<std::string, OrgId>;

/// Why none is asked for just now, whatever the name; with when it goes on, if it does. Everybody
/// reads it, so nothing of a single name is in it.
struct Pause {
    std::string code, message;
    std::optional<Timestamp> until;
};

/// What an organization's people are told.
enum class Trouble {
    failing, ///< for a day
    ending,  ///< less than a week is left, and there is no new one
};
/// What they are still to be told of this one.
std::optional<Trouble> trouble_of(const Certificate& certificate, Timestamp now);

/// What one letter is about: all that came to the same trouble at once, of one organization.
struct News {
    Trouble trouble = Trouble::failing;
    std::vector<Certificate> certificates; ///< at least one
    std::optional<Pause> pause;            ///< why none is asked for just now, if so
};

/// Thread-safe but for load, sync, step and watch, which one thread calls. Everything it knows is
/// in the store: killed anywhere, the next start goes on, and a certificate that was issued and not
/// written down is asked for again.
class Certificates {
public:
    struct Parts {
        store::Store& store;
        api::EventSink& events;
        api::AuditLog& audit;
        const crypto::Keystore& keys;
        const Clock& clock;
        Faces faces;
        std::function<Result<Names>(store::Connection&)> routed;
        std::set<std::string> own_names; ///< the controller's, which no organization has
        Client* client = nullptr;        ///< null: nothing is asked for
        std::optional<Authority> authority;
        std::function<double()> chance; ///< 0 … 1
    };
    explicit Certificates(Parts parts);
    api::Desk desk() const { return {parts_.store, parts_.audit, parts_.events}; }
    store::Store& store() const { return parts_.store; }

    /// Told after a change that somebody waits for; must not block. Set once, as is the next one.
    void on_due(std::function<void()> due) { due_ = std::move(due); }
    /// Told in the transaction that decides it, to write to the organization's people.
    using Notice = std::function<Result<>(store::UnitOfWork&, const api::OrgScope&, const News&)>;
    void on_trouble(Notice notice) { notice_ = std::move(notice); }

    /// At the start: shows what there is, and takes up what was under way.
    Result<> load();
    /// New names get a row; those that are not routed any more lose it and what it held.
    Result<> sync();
    /// One attempt for one name; false when there is nothing to do now.
    Result<bool> step(const std::stop_token& stop);
    /// Tells people of what is in trouble.
    Result<> watch();
    /// When step() may have something to do. Nothing: not before something changes.
    Result<std::optional<Timestamp>> next() const;

    /// Somebody does not want to wait: this one alone is asked for in spite of a pause.
    /// Errc::conflict (acme_not_configured, certificate_running, certificate_fresh,
    /// too_many_attempts).
    Result<Certificate> renew(api::Change& change, Certificate certificate, Timestamp now);

    Result<std::optional<Pause>> pause(store::Connection& db) const;

    static constexpr std::size_t changed_at_once = 500; ///< names, in one transaction of sync()

private:
    struct Job {
        Certificate certificate;
        AccountRow account;
    };
    struct Made {
        std::string chain;
        crypto::P256Key key;
        Timestamp not_before, not_after;
        std::string issuer, serial;
    };
    Result<std::optional<Job>> begin();
    Result<Made> make(Job& job, const std::stop_token& stop);
    Result<> enrol(AccountRow& row, const Account& account, const std::stop_token& stop);
    /// False when the name was taken away meanwhile.
    Result<bool> settle(const Job& job, const Result<Made>& made);
    void succeed(Certificate& certificate, const Made& made) const;
    Result<>
    fail_attempt(store::UnitOfWork& unit, Certificate& certificate, const Error& why) const;
    Result<Timestamp> pause_all(store::Connection& db, const Error& why) const;
    Result<> end_pause(store::Connection& db) const;
    Result<> show(const Served& served);
    Result<> show(const std::string& name, const std::string& chain, const Secret& key);
    void hide(const std::string& name);
    void publish(store::UnitOfWork& unit, const Certificate& certificate) const;

    Parts parts_;
    std::set<std::string> shown_; ///< names that have a face of their own
    std::function<void()> due_ = [] {};
    Notice notice_;
};

/// The keys of certificates and accounts, for a new master key.
Result<> visit_sealed(store::Connection& db, const api::SealedVisitor& visit);

/// What is dropped with an organization. Its names are not routed any more: sync() hides them.
Result<> erase(store::Connection& db, const api::OrgScope& scope);

} // namespace fairlead::certificates
