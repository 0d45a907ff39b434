/// The keys that open streams to an organization's servers: one that signs, and the few before it
/// that count for a while longer (README.md).
#pragma once

#include "common/crypto/keystore.hpp"
#include "common/store/store.hpp"
#include "controller/api/change.hpp"
#include "controller/api/sealed.hpp"
#include "controller/operations/links.hpp"
#include "controller/tunnels/key_repo.hpp"
#include "controller/tunnels/key_ring.hpp"
#include "proto/messages.hpp"

#include <boost/json/object.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::tunnels {

inline constexpr auto default_grace = std::chrono::hours(24),
                      longest_grace = std::chrono::hours(24 * 7);

/// What an agent is asked for by a stream to a port of an environment.
boost::json::object tunnel_purpose(const EnvironmentId& environment, std::uint16_t port);

/// Thread-safe. Functions with a Change run inside its transaction.
class TunnelKeys {
public:
    struct Parts {
        store::Store& store;
        api::EventSink& events;
        api::AuditLog& audit;
        const crypto::Keystore& keys;
        operations::Links& links;
        const Clock& clock;
        /// The servers of an organization that are connected.
        std::function<Result<std::vector<ServerId>>(store::Connection&, const api::OrgScope&)>
            online;
    };
    /// Unsealed keys that are kept, and how long.
    static constexpr std::size_t most_unsealed = 256;
    static constexpr std::chrono::minutes unsealed_for{5};
    static constexpr std::chrono::seconds hand_over{10};

    explicit TunnelKeys(const Parts& parts) : parts_(parts) {}
    const Parts& parts() const { return parts_; }
    api::Desk desk() const { return {parts_.store, parts_.audit, parts_.events}; }

    // ---- what opens a stream

    /// The text to open a stream to this server with, for what the object says, soon and once (see
    /// proto::sign_capability). Blocks on the store where the key is not at hand: worker threads
    /// only. Errc::unavailable, code "tunnel_key_missing": the organization's key was revoked.
    Result<std::string>
    sign(const api::OrgScope& scope, const ServerId& server, boost::json::object purpose);
    /// The same on any thread: it waits for nothing, and gives nothing where the key is not at
    /// hand, which sign() changes for some minutes.
    std::optional<std::string>
    sign_at_once(const OrgId& org, const ServerId& server, boost::json::object purpose);

    /// Both for a tunnel: to this port of the environment on this server.
    Result<std::string> purpose(
        const api::OrgScope& scope, const ServerId& server, const EnvironmentId& environment,
        std::uint16_t port
    ) {
        return sign(scope, server, tunnel_purpose(environment, port));
    }
    std::optional<std::string> purpose_at_once(
        const OrgId& org, const ServerId& server, const EnvironmentId& environment,
        std::uint16_t port
    ) {
        return sign_at_once(org, server, tunnel_purpose(environment, port));
    }

    // ---- what servers are told

    /// The keys that count now. Makes the first one where there never was any. Worker threads.
    Result<proto::TunnelKeys> told(const api::OrgScope& scope);
    /// Grows after each commit that changes keys, of whatever organization: what was told while it
    /// was the same is still so.
    std::uint64_t changes() const { return changes_.load(); }

    // ---- what people ask

    /// A new key; the one before counts for `grace` more, 0 to longest_grace. Where that is longer
    /// than hand_over, it also goes on signing for that long, from memory: meanwhile servers hear
    /// of the new one, and refuse nothing that is signed by it.
    Result<TunnelKey> rotate(
        api::Change& change, std::chrono::seconds grace, std::string_view by_email, Timestamp now
    );
    /// Nothing more is opened under it, and what is open ends. Where it was the current one, no
    /// stream is opened before the next rotate(). Errc::conflict (tunnel_key_over).
    Result<TunnelKey> revoke(api::Change& change, TunnelKey key, Timestamp now);

    /// Every few seconds: keys whose grace is over end, and unsealed ones are wiped in time.
    Result<> tick();

    /// What is dropped with an organization.
    Result<> erase(store::Connection& db, const api::OrgScope& scope);

private:
    Result<TunnelKey>
    make(store::Connection& db, const api::OrgScope& scope, std::string_view by, Timestamp now);
    Result<> ensure(const api::OrgScope& scope);
    Result<std::shared_ptr<const Signer>> unseal(const api::OrgScope& scope, Timestamp now);
    Result<> end_overdue(store::UnitOfWork& unit, const api::OrgScope& scope, Timestamp now);
    Result<std::shared_ptr<const Signer>> open_seed(KeyRepo& repo, const TunnelKeyId& id);
    /// The organization's servers hear of it after the commit. `leaving` signs until then.
    Result<> tell(
        store::UnitOfWork& unit, const api::OrgScope& scope,
        std::shared_ptr<const Signer> leaving = {}, Timestamp until = {}
    );

    Parts parts_;
    KeyRing ring_{most_unsealed, unsealed_for};
    std::atomic<std::uint64_t> changes_ = 0;
};

/// The private halves, for a new master key.
Result<> visit_sealed(store::Connection& db, const api::SealedVisitor& visit);

} // namespace fairlead::tunnels
