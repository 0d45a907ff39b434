/// How a server gets its first certificate, and another one when that has run out.
#pragma once

#include "common/crypto/challenge.hpp"
#include "common/crypto/x509.hpp"
#include "common/store/store.hpp"
#include "controller/api/announcer.hpp"
#include "controller/api/audit_log.hpp"
#include "controller/api/events.hpp"
#include "controller/authority/authority.hpp"
#include "controller/fleet/server_repo.hpp"
#include "controller/orgs/plans.hpp"
#include "proto/messages.hpp"

#include <chrono>
#include <string>

namespace fairlead::fleet {

struct EnrolRequest {
    std::string token;
    std::string csr;
    std::string name;
    std::uint32_t capability = 1;
    std::string agent_version;
    proto::Facts facts;
};

struct Enrolled {
    ServerId server;
    OrgId org;
    authority::Issued certificate;
};

struct RecoverRequest {
    ServerId server;
    std::string challenge;
    std::string csr;
    std::string signature; ///< DER, base64url
};

/// Thread-safe; blocks on the store.
class Enrolment {
public:
    struct Parts {
        store::Store& store;
        api::EventSink& events;
        api::AuditLog& audit;
        authority::Authority& authority;
        const Clock& clock;
        const orgs::Plans& plans;
    };
    explicit Enrolment(const Parts& parts) : parts_(parts) {}
    /// Before anything else is called; without it nobody outside hears of anything.
    void use(api::Announcer& announcer) { announcements_.use(announcer); }
    const api::Announcements& announcements() const { return announcements_; }

    /// Both make an address wait after refused proofs (Errc::rate_limited).
    ///
    /// Uses the token, stores the server and issues its certificate, all or nothing. Refusals are
    /// audited in the organization of the token. Errc::forbidden: token_unknown, token_expired,
    /// token_used_up, token_revoked, key_revoked; Errc::invalid: csr_invalid; Errc::conflict:
    /// key_in_use, protocol_too_old.
    Result<Enrolled> enrol(const EnrolRequest& request, const api::Actor& actor);

    std::string challenge(const ServerId& server) const {
        return challenges_.make(server.str(), parts_.clock.now());
    }

    /// Errc::forbidden: challenge_invalid, signature_invalid, recoveries_used_up, server_revoked,
    /// server_unknown; Errc::invalid: csr_invalid.
    Result<authority::Issued> recover(const RecoverRequest& request, const api::Actor& actor);

private:
    template <class Proof>
    auto guarded(std::string_view purpose, const std::string& address, Proof proof)
        -> decltype(proof());
    Result<Enrolled> enrol_now(const EnrolRequest& request, api::Actor actor);
    Result<authority::Issued> recover_now(const RecoverRequest& request, api::Actor actor);

    Parts parts_;
    api::Announcements announcements_;
    crypto::Challenges challenges_{std::chrono::seconds(60), 10'000};
};

/// What a server signs to recover.
std::string
recovery_message(const ServerId& server, std::string_view challenge, std::string_view csr_der);
/// The bytes between the lines of a PEM block; "" when it is none.
std::string pem_to_der(std::string_view pem);
/// parse_csr with the code csr_invalid.
Result<crypto::Csr> read_csr(std::string_view pem);

} // namespace fairlead::fleet
