/// What authorities of the web want: a request that names hosts alone, and a challenge answered.
#pragma once

#include "common/crypto/x509.hpp"

#include <string>
#include <vector>

namespace fairlead::crypto {

/// A request for a certificate for these host names, signed by its key, without a common name (CA/
/// Browser Forum Baseline Requirements 7.1.4.2). Errc::invalid for what is no host name, or for
/// none.
Result<std::string> make_csr_for(const P256Key& key, const std::vector<std::string>& dns);

/// What a server shows an ACME authority that asks for it by tls-alpn-01 (RFC 8737, section 3): one
/// name, signed by its own key, with the SHA-256 of the key authorization. Errc::invalid for a bad
/// name.
Result<std::string> self_sign_challenge(
    const P256Key& key, const std::string& dns, const Digest& authorization, Validity validity
);

} // namespace fairlead::crypto
