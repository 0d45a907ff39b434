/// Certificates for agents, as this subject needs them; `authority` holds the keys.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/id.hpp"
#include "common/runtime/result.hpp"
#include "common/store/store.hpp"
#include "controller/api/principal.hpp"

#include <string>
#include <string_view>

namespace fairlead::fleet {

struct IssuedCertificate {
    std::string pem;
    std::string serial;  ///< lower-case hex
    Timestamp not_after;
    std::string ca;  ///< PEM of every authority that agents are to trust
};

/// Thread-safe and quick: called inside write transactions. The request was parsed, its key checked and the act is
/// audited by the caller.
class Issuer {
public:
    virtual ~Issuer() = default;
    /// The first certificate: the server as common name, its organization as "urn:fairlead:org:<id>".
    virtual Result<IssuedCertificate> enrol(
        store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server, std::string_view csr
    ) = 0;
    /// Another one for the same key: renewal and recovery.
    virtual Result<IssuedCertificate> again(
        store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server, std::string_view csr
    ) = 0;
    /// No certificate for this server any more.
    virtual Result<> revoke(store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server) = 0;
    /// The agent was sent what to trust and has spoken since: a rotation may go on.
    virtual Result<> told(store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server) = 0;
    /// PEM of every authority that agents are to trust.
    virtual Result<std::string> trusted(store::Connection& db) = 0;
};

}  // namespace fairlead::fleet
