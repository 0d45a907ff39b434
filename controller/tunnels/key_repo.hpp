/// The SQL of tunnel keys.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"
#include "controller/tunnels/ids.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <vector>

namespace fairlead::tunnels {

BOOST_DEFINE_ENUM_CLASS(
    KeyState, current, ///< signs
    previous,          ///< was replaced, and counts until its end
    ended,             ///< its grace is over
    revoked            ///< by somebody
)

struct TunnelKey {
    TunnelKeyId id;
    KeyState state = KeyState::current;
    std::string public_key; ///< "ed25519:…"
    Timestamp created_ms;
    std::string created_by_email; ///< "" where the controller made it
    std::optional<Timestamp> ends_ms;
};
BOOST_DESCRIBE_STRUCT(TunnelKey, (), (id, state, public_key, created_ms, created_by_email, ends_ms))

/// Of one organization, those that count not any more among them; older ones are dropped.
inline constexpr std::int64_t max_kept = 50;
/// Replaced ones that count beside the current one. One more, and the oldest ends.
inline constexpr std::size_t max_previous = 4;

/// What the private half is sealed for.
std::string seed_context(const TunnelKeyId& id);

class KeyRepo {
public:
    KeyRepo(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}

    /// A current one. Errc::conflict where there is one.
    Result<> insert(const TunnelKey& key, const store::Blob& sealed_seed);
    /// State and end; the private half goes with it. Not back to current.
    Result<> update(const TunnelKey& key);
    /// Errc::not_found.
    Result<TunnelKey> get(const TunnelKeyId& id);
    Result<std::optional<TunnelKey>> current();
    /// Whether there is or was one.
    Result<bool> any();
    /// Newest first, at most max_kept.
    Result<std::vector<TunnelKey>> list();
    /// The current one and previous ones whose end has not come, newest first.
    Result<std::vector<TunnelKey>> counting(Timestamp now);
    /// Previous ones whose end has come.
    Result<std::vector<TunnelKey>> overdue(Timestamp now);
    /// The current one's private half.
    Result<std::optional<store::Blob>> sealed_seed(const TunnelKeyId& id);
    /// The oldest beyond max_kept, but none that counts.
    Result<> prune();

private:
    store::Connection& db_;
    OrgId org_;
};

/// The organizations with a previous key whose end has come.
Result<std::vector<OrgId>> orgs_with_overdue_keys(store::Connection& db, Timestamp now);

} // namespace fairlead::tunnels
