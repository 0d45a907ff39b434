/// The controller's own certificate authorities: one that issues, and while one replaces another,
/// both.
#pragma once

#include "common/crypto/keystore.hpp"
#include "common/crypto/x509.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/id.hpp"
#include "common/runtime/result.hpp"
#include "common/runtime/secret.hpp"
#include "common/store/store.hpp"
#include "controller/api/principal.hpp"
#include "controller/api/sealed.hpp"

#include <boost/describe.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::authority {

/// announced: agents learn to trust it. issuing: its key signs. retiring: what it issued is still
/// good. dropped: nothing is.
BOOST_DEFINE_ENUM_CLASS(Stage, announced, issuing, retiring, dropped)

struct Issued {
    std::string certificate; ///< PEM
    std::string serial;      ///< lower-case hex
    Timestamp not_after;
    std::string ca; ///< PEM of every authority that agents are to trust
};

/// The controller's own certificate with its key.
struct OwnCertificate {
    std::string chain_pem; ///< the leaf and its authority
    Secret key_pem;
    crypto::Digest spki_sha256;
    std::string ca_pem;
    Timestamp not_after;
};

struct Overview {
    std::int64_t number = 0;
    std::string name;
    Stage stage = Stage::announced;
    Timestamp created;
    Timestamp not_after;
    std::int64_t agents = 0; ///< whose newest certificate is of this authority and has not run out
    std::int64_t strangers =
        0; ///< agents with a good certificate that do not know this authority yet
};
BOOST_DESCRIBE_STRUCT(Overview, (), (number, name, stage, created, not_after, agents, strangers))

struct Lifetimes {
    std::chrono::hours agent{24 * 30};
    std::chrono::hours own{24 * 90};
    std::chrono::hours authority{24 * 3650};
};

/// What a step of a rotation did.
struct Step {
    std::string act;      ///< "ca.announce", "ca.issue", "ca.drop"
    std::string sentence; ///< what happened and what is next
};

/// Thread-safe; everything it knows is in the store, keys sealed by the keystore. Every function
/// runs inside the caller's transaction.
class Authority {
public:
    Authority(const crypto::Keystore& keys, const Clock& clock, Lifetimes lifetimes)
        : keys_(keys), clock_(clock), lifetimes_(lifetimes) {}

    /// The first authority of an installation. Errc::conflict where there is one.
    Result<> create_first(store::UnitOfWork& unit);

    // ---- agents ----

    /// A certificate for the key of `csr`: the server as common name, its organization as URN.
    /// Errc::invalid (csr_invalid).
    Result<Issued> issue(
        store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server,
        std::string_view csr
    );
    /// This server has none any more; rotations do not wait for it.
    Result<> forget(store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server);
    /// The agent was sent `trusted` when `newest` was the newest of them, and has spoken since.
    Result<> told(
        store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server,
        std::int64_t newest
    );
    /// The number of the newest authority, dropped or not.
    Result<std::int64_t> newest(store::Connection& db);

    // ---- what TLS uses; ask again every few seconds, another process may rotate ----

    /// Authorities whose certificates agents may show, and which agents are to trust: all but
    /// dropped ones.
    Result<std::vector<std::string>> accepted(store::Connection& db);
    /// The same as one text.
    Result<std::string> trusted(store::Connection& db);
    /// The controller's certificate for these host names and addresses. Made anew when two thirds
    /// of its time are over, when the names changed, and when another authority issues.
    Result<OwnCertificate> own(store::UnitOfWork& unit, const std::vector<std::string>& names);

    // ---- rotation ----

    /// Oldest first, without dropped ones.
    Result<std::vector<Overview>> list(store::Connection& db);
    /// Servers whose agents do not know the newest authority, at most 10,000.
    Result<std::vector<ServerId>> strangers(store::Connection& db);
    /// Announces a new authority; then lets it issue, once every agent knows it; then drops the old
    /// one, once no agent shows its certificate. Errc::conflict (agents_lag) names servers that are
    /// not ready; `force` goes on without them, and they have to enrol or recover again.
    Result<Step> rotate(store::UnitOfWork& unit, bool force);

private:
    struct Issuer;
    Result<Issuer> issuer(store::Connection& db);
    Result<> add(store::UnitOfWork& unit, std::int64_t number, Stage stage);

    const crypto::Keystore& keys_;
    const Clock& clock_;
    Lifetimes lifetimes_;
};

/// The keys of the authorities and of the controller's certificate.
Result<> visit_sealed(store::Connection& db, const api::SealedVisitor& visit);

} // namespace fairlead::authority
