/// What an agent asks over HTTPS before it has a certificate, or after it has lost it. Blocking.
#pragma once

#include "agent/link/identity.hpp"

#include <sys/types.h>

#include <optional>
#include <string>

namespace fairlead::link {

struct EnrollOptions {
    std::string controller; ///< "https://host[:port]"
    std::string pin;        ///< "sha256//…", or ""
    std::string name;       ///< "" takes the host name
    Secret token;           ///< may be empty when already enrolled there
    std::string version;    ///< of this program
    std::filesystem::path folder = default_folder;
    std::string user = "fairlead"; ///< who the files are given to when root runs this
    std::filesystem::path status_file =
        "/run/fairlead-link/status.json"; ///< tells whether the controller cast us out
};

/// Makes the key, trades the token for a certificate and writes the folder; nothing when already
/// enrolled with this controller. A server that was revoked or forgotten there joins again as a new
/// one, with a new key. The sentence ends with "srv_… in org_…". Errors name the cure.
Result<std::string> enroll(EnrollOptions options);

/// Proves the bound key and stores a new certificate. Error codes are the contract's:
/// recoveries_used_up, server_revoked, server_unknown, challenge_invalid, signature_invalid.
Result<> recover(const IdentityFolder& folder, const Identity& identity, const Address& controller);

} // namespace fairlead::link
