/// The SQL of hooks and of what came in by them.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"
#include "controller/pushes/delivery.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::pushes {

FAIRLEAD_ID(PushId, "psh_", "push");

/// Of one hook: pushes that are listed, and deliveries that are known again.
inline constexpr std::int64_t max_listed = 50, max_remembered = 500;

/// The hook of an environment.
struct Hook {
    EnvironmentId environment_id;
    std::string token; ///< the end of its address
    bool enabled = true;
    std::optional<std::string> repositories; ///< names as JSON; nothing: all count
    bool backup_first = false;
    Timestamp secret_made_ms;
    std::optional<Timestamp> old_until_ms; ///< the secret before this one counts until then
    std::int64_t refused_count = 0;
    std::optional<Timestamp> refused_ms;
    std::optional<PushId> waiting; ///< the push that is deployed next
    std::string last_body;         ///< digest of the newest that was taken
    Timestamp created_ms;
    std::optional<UserId> created_by;
    std::string created_by_email;
};
BOOST_DESCRIBE_STRUCT(
    Hook, (),
    (environment_id, token, enabled, repositories, backup_first, secret_made_ms, old_until_ms,
     refused_count, refused_ms, waiting, last_body, created_ms, created_by, created_by_email)
)

/// Sealed for `secret_context`.
struct SealedSecrets {
    store::Blob sealed;
    std::optional<store::Blob> sealed_old;
};
BOOST_DESCRIBE_STRUCT(SealedSecrets, (), (sealed, sealed_old))

BOOST_DEFINE_ENUM_CLASS(
    Outcome, queued, ///< a deployment was asked for
    waiting,         ///< for the operation that is under way
    replaced,        ///< a newer one waits in its place, or was deployed
    ignored,         ///< it is none that deploys
    refused          ///< it is one, and cannot be deployed
)

/// One that came in.
struct Push {
    PushId id;
    EnvironmentId environment_id;
    Provider provider = Provider::github;
    std::string event;
    std::string repository;
    std::string branch;
    std::string commit_id;
    std::string pusher;
    Outcome outcome = Outcome::ignored;
    std::string reason;
    std::string detail;
    std::optional<OperationId> operation_id;
    Timestamp received_ms;
};
BOOST_DESCRIBE_STRUCT(
    Push, (),
    (id, environment_id, provider, event, repository, branch, commit_id, pusher, outcome, reason,
     detail, operation_id, received_ms)
)

/// Whose a hook is.
struct Place {
    OrgId org_id;
    EnvironmentId environment_id;
};
BOOST_DESCRIBE_STRUCT(Place, (), (org_id, environment_id))

/// Of every organization.
Result<std::optional<Place>> place_of(store::Connection& db, std::string_view token);
Result<std::vector<Place>> with_waiting(store::Connection& db, std::int64_t limit);

/// What the secrets of a hook are bound to.
std::string secret_context(const EnvironmentId& environment);

/// Whoever asks has found the environment by the same scope before.
class PushRepo {
public:
    PushRepo(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}

    Result<std::optional<Hook>> find(const EnvironmentId& environment);
    /// Errc::not_found where it is not set up.
    Result<Hook> get(const EnvironmentId& environment);
    Result<> insert(const Hook& hook, const store::Blob& sealed);
    /// What people set, what waits, and the newest body.
    Result<> update(const Hook& hook);
    Result<SealedSecrets> secrets(const EnvironmentId& environment);
    /// The newest secret becomes the old one where `hook.old_until_ms` is set, and is dropped where
    /// it is not. Counts refusals anew.
    Result<> put_secret(const Hook& hook, const store::Blob& sealed);
    Result<> count_refused(const EnvironmentId& environment, Timestamp now);

    Result<> put(const Push& push);
    Result<std::optional<Push>> push(const PushId& id);
    /// Newest first, below `below`.
    Result<std::vector<Push>>
    list(const EnvironmentId& environment, std::string_view below, std::int64_t limit);
    /// The newest `max_listed` stay, and the one that waits.
    Result<> forget_old(const EnvironmentId& environment);

    /// Whether this delivery was remembered.
    Result<bool> knows(const EnvironmentId& environment, std::string_view delivery);
    /// The newest `max_remembered` stay.
    Result<> remember(const EnvironmentId& environment, std::string_view delivery, Timestamp now);

    /// The hook and all that came in by it.
    Result<> remove(const EnvironmentId& environment);

private:
    store::Connection& db_;
    OrgId org_;
};

} // namespace fairlead::pushes
