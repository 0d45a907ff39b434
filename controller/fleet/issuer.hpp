/// Certificates for agents, as this subject needs them; `authority` holds the keys.
#pragma once

#include "common/crypto/x509.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/id.hpp"
#include "common/runtime/result.hpp"

#include <string>

namespace fairlead::fleet {

struct IssuedCertificate {
    std::string pem;
    std::string serial;  ///< lower-case hex
    Timestamp not_after;
};

/// Thread-safe and quick: called inside write transactions.
class Issuer {
public:
    virtual ~Issuer() = default;
    /// A client certificate with the server as common name and "urn:fairlead:org:<id>" as URI.
    virtual Result<IssuedCertificate> issue(
        const crypto::Csr& csr, const ServerId& server, const OrgId& org, Timestamp now
    ) = 0;
    /// PEM of every authority that agents are to trust.
    virtual std::string trusted() const = 0;
};

}  // namespace fairlead::fleet
