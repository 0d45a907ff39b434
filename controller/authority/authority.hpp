/// The controller's own certificate authority: who is an agent, and for how long.
#pragma once

#include "common/crypto/keystore.hpp"
#include "common/crypto/x509.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/id.hpp"
#include "common/runtime/result.hpp"
#include "common/runtime/secret.hpp"
#include "common/store/store.hpp"
#include "controller/api/audit_log.hpp"
#include "controller/api/principal.hpp"

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::authority {

/// What an agent gets.
struct Issued {
    std::string certificate;  ///< PEM
    std::string ca;           ///< PEM of every authority to trust on the link
    Timestamp not_after;
};

/// What a client certificate says, after TLS has verified its chain and dates.
struct Shown {
    std::string common_name;
    std::vector<std::string> uris;
    std::string key_hash;  ///< SHA-256 of the public key, hex
};

/// An agent whose certificate is good.
struct AgentIdentity {
    ServerId server;
    OrgId org;
    bool behind = false;  ///< does not know the newest authority yet: call `told` once it answered a welcome
};

/// One certificate and the key to it.
struct ServerCertificate {
    std::string chain_pem;  ///< leaf and its authority
    Secret key_pem;
    std::string pin;        ///< base64 SHA-256 of the leaf's public key
    Timestamp not_after;
};

/// Where an authority stands in its life.
enum class Stage { announced, issuing, retiring, dropped };

struct AuthorityInfo {
    std::string name;  ///< "Fairlead CA 2"
    Stage stage;
    Timestamp created;
    Timestamp not_after;
    std::string fingerprint;
    std::int64_t agents = 0;          ///< live agents whose newest certificate is of this authority
    std::int64_t agents_without = 0;  ///< live agents that have not been told of it
};

struct Lifetimes {
    std::chrono::hours agent{24 * 30};
    std::chrono::hours server{24 * 90};
    std::chrono::hours authority{24 * 3650};
    std::int64_t recoveries = 3;  ///< certificates for expired ones, until the agent has renewed over the link again
};

/// Thread-safe; everything it knows is in the store, keys sealed by the keystore. Functions with a UnitOfWork or a
/// Connection run inside the caller's transaction.
class Authority {
public:
    struct Parts {
        store::Store& store;
        const crypto::Keystore& keys;
        api::AuditLog& audit;
        const Clock& clock;
        Lifetimes lifetimes;
    };
    explicit Authority(const Parts& parts) : parts_(parts) {}

    /// The first authority of an installation; nothing where there is one.
    static Result<> create(
        store::UnitOfWork& unit, const crypto::Keystore& keys, Timestamp now, const Lifetimes& lifetimes
    );

    // ---- agents ----

    /// Binds the key to the server and issues its first certificate (CN = server id, SAN = URN of the org). The caller
    /// audits the enrolment. Errc::invalid (csr_invalid); Errc::conflict when another server has this key.
    Result<Issued> enroll(
        store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server, std::string_view csr
    );

    /// A new certificate for the bound key, asked for over the link. Errc::invalid (csr_invalid), Errc::forbidden
    /// (server_revoked, server_unknown).
    Result<Issued> renew(store::UnitOfWork& unit, const AgentIdentity& agent, std::string_view csr);

    /// Who dials. Errc::unauthenticated with the code for proto::Refused: server_unknown, revoked.
    Result<AgentIdentity> identify(store::Connection& db, const Shown& shown);

    /// This agent was sent `trusted` and has answered since. Lets a rotation go on.
    Result<> told(store::UnitOfWork& unit, const AgentIdentity& agent);

    /// From now on identify and recover refuse this server, for ever. The caller audits it, cuts the link after the
    /// commit. One row, whatever was issued before.
    Result<> revoke(store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server);

    // ---- recovery: a certificate that ran out while the agent was away ----

    /// For the recover routes; see their contract. Opens its own transaction.
    std::string challenge(const ServerId& server);
    Result<Issued> recover(
        std::string_view server, std::string_view challenge, std::string_view csr, std::string_view signature,
        const api::Actor& actor
    );

    // ---- the controller's own side ----

    /// Authorities whose certificates agents may show: all but dropped ones.
    Result<std::vector<std::string>> accepted(store::Connection& db);
    /// What agents shall trust, as one PEM: the same set.
    Result<std::string> trusted(store::Connection& db);
    /// The controller's own certificate for these names (host names and addresses), made by the issuing authority and
    /// kept in the store; renewed when two thirds are over, the names changed or another authority issues.
    Result<ServerCertificate> server_certificate(store::UnitOfWork& unit, const std::vector<std::string>& names);

    // ---- rotation: announce → issue → drop ----

    Result<std::vector<AuthorityInfo>> list(store::Connection& db);
    /// The next step of a rotation, in words. Errc::conflict (agents_lag) names the servers that are not ready; `force`
    /// goes on without them, and they must enrol again.
    Result<std::string> rotate(store::UnitOfWork& unit, bool force);

private:
    Parts parts_;
    Secret challenge_key_ = crypto_key();
    static Secret crypto_key();
};

}  // namespace fairlead::authority
