/// Pushes to git repositories that deploy environments: setting it up, what providers send, and
/// when it is deployed (README.md).
#pragma once

#include "common/crypto/keystore.hpp"
#include "controller/access/rates.hpp"
#include "controller/api/audit_log.hpp"
#include "controller/api/change.hpp"
#include "controller/api/sealed.hpp"
#include "controller/environments/environments.hpp"
#include "controller/operations/effects.hpp"
#include "controller/pushes/judgement.hpp"
#include "controller/pushes/push_repo.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::pushes {

/// A minute: taken ones of one hook, as many refused ones of it, and all from one address. Services
/// send for many hooks from one address.
inline constexpr std::uint32_t most_of_hook = 30, most_of_address = 300;
inline constexpr auto longest_overlap = std::chrono::hours(24);

/// What people may set; what is unset stays.
struct Wanted {
    std::optional<bool> enabled;
    bool choose = false; ///< `repositories` is meant
    std::optional<std::vector<std::string>> repositories;
    std::optional<bool> backup_first;
};

/// What the sender hears.
struct Received {
    bool seen_before = false;
    Push push; ///< unless it was seen before
};

/// Thread-safe. What has a unit runs inside the caller's transaction.
class Pushes final : public operations::Effects {
public:
    struct Parts {
        store::Store& store;
        api::EventSink& events;
        api::AuditLog& audit;
        environments::Environments& environments;
        const crypto::Keystore& keys;
        const Clock& clock;
        std::string url; ///< of the controller, "https://fairlead.example:8443"
    };
    explicit Pushes(Parts parts) : parts_(std::move(parts)) {}
    const Parts& parts() const { return parts_; }
    api::Desk desk() const { return {parts_.store, parts_.audit, parts_.events}; }

    using Unit = store::UnitOfWork;
    using Scope = api::OrgScope;
    using Environment = environments::Environment;
    using Operation = operations::Operation;

    // ---- what people set ----

    /// With its secret. Errc::conflict (push_deploy_exists), Errc::invalid (a repository that the
    /// environment is not made of).
    Result<std::pair<Hook, Secret>> create(
        api::Change& change, const Environment& environment, const Wanted& wanted,
        const api::Principal& by
    );
    /// Switched off, what waits is not deployed any more.
    Result<Hook> edit(api::Change& change, const Environment& environment, const Wanted& wanted);
    /// The secret before it counts for `overlap` more.
    Result<std::pair<Hook, Secret>>
    rotate(api::Change& change, const Environment& environment, std::chrono::seconds overlap);
    Result<> remove(api::Change& change, const Environment& environment);
    /// As the API shows it, also where nothing is set up.
    Result<boost::json::object>
    describe(store::Connection& db, const Scope& scope, const Environment& environment);

    // ---- what providers send ----

    /// Opens its own transaction; for worker threads. Errc::unauthenticated (hook_refused),
    /// Errc::rate_limited, Errc::invalid for a body that is signed and no push.
    Result<Received> receive(const api::Request& request, std::string_view token);

    // ---- what else happens ----

    /// The environment's rows go.
    Result<> gone(Unit& unit, const Scope& scope, const Environment& environment) {
        return PushRepo(unit.db(), scope).remove(environment.id);
    }
    /// Deploys what still waits though nothing is under way: after a failure between the two.
    Result<> tick();

    Result<std::map<std::string, std::string>>
    secrets(store::Connection&, const Scope&, const Operation&, const std::string&) override {
        return std::map<std::string, std::string>();
    }
    /// What waits for an operation is deployed when that is over.
    Result<> moved(Unit& unit, const Scope& scope, const Operation& operation) override;
    Result<>
    finished(Unit&, const Scope&, const Operation&, const std::string&, const proto::Finished&)
        override {
        return {};
    }

private:
    Result<> allow(std::string_view bucket, const api::Request& request);
    /// Whether one of the hook's secrets signed it.
    Result<bool>
    proved_by(const Place& place, const api::Request& request, const Delivery& delivery);
    Result<Received> take(
        Unit& unit, const Place& place, const api::Request& request, const Delivery& delivery,
        const Payload& payload
    );

    /// What the environment is made of, and what of it counts.
    static Result<std::vector<Source>> sources(
        store::Connection& db, const Scope& scope, const Environment& environment, const Hook* hook
    );
    static Result<> check(
        store::Connection& db, const Scope& scope, const Environment& environment,
        const Wanted& wanted
    );

    /// Deploys, waits or refuses, and says so in `push`.
    Result<> decide(
        Unit& unit, const Scope& scope, const api::Actor& actor, const Environment& environment,
        Hook& hook, Push& push
    );
    Result<> deploy(
        Unit& unit, const Scope& scope, const api::Actor& actor, const Environment& environment,
        const Hook& hook, Push& push
    );
    Result<> begin_waiting(Unit& unit, const Scope& scope, const EnvironmentId& id);
    /// Another outcome for the push that waits; nothing waits then.
    Result<> end_waiting(
        Unit& unit, const Scope& scope, const Environment& environment, Hook& hook, Outcome outcome,
        std::string reason, std::string detail
    );
    Result<> put(Unit& unit, const Scope& scope, const Environment& environment, const Push& push);

    Parts parts_;
    access::RateLimiter rates_{{1, most_of_hook}, {1, most_of_address}};
};

boost::json::object to_json(const Push& push);
/// The word for why a deployment was refused.
std::string reason_of(const Error& error);

/// Every sealed value, of every organization; see api::SealedVisitor.
Result<> visit_sealed(store::Connection& db, const api::SealedVisitor& visit);
/// The organization is deleted.
Result<> erase(store::Connection& db, const api::OrgScope& scope);

} // namespace fairlead::pushes
