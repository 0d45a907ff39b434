/// How the controller looks from a server that is not enrolled yet, and the command that enrols it.
#pragma once

#include "common/crypto/hash.hpp"
#include "common/runtime/result.hpp"

#include <string>
#include <string_view>

namespace fairlead::install {

struct Face {
    std::string url; ///< "https://controller.example:8443", no slash at the end
    std::string
        pin; ///< of a self-signed certificate, see pin_of(); "" where a public authority signed it
    std::string ca_pem; ///< the authority behind a self-signed certificate; "" otherwise
};

/// "sha256//" and base64, as curl's --pinnedpubkey and the agent's --pin take it.
std::string pin_of(const crypto::Digest& spki_sha256);

/// Errc::invalid when the address or the pin could mean something else inside a shell script.
Result<> check(const Face& face);

/// What a person pastes on the server. `face` passed check(), `token` is one of ours: nothing here
/// needs quoting.
std::string enroll_command(const Face& face, std::string_view token);

} // namespace fairlead::install
