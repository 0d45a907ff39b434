/// Secrets and signatures of Standard Webhooks (https://www.standardwebhooks.com, version 1), for
/// both ends.
#pragma once

#include "common/runtime/result.hpp"
#include "common/runtime/secret.hpp"

#include <string>
#include <string_view>

namespace fairlead::crypto {

/// "whsec_" and 32 random bytes in base64.
Secret make_webhook_secret();

/// "v1," and the HMAC-SHA256 of id.timestamp.body in base64. Errc::invalid for a secret that has
/// another form.
Result<std::string> sign_webhook(
    const Secret& secret, std::string_view id, std::string_view timestamp, std::string_view body
);

} // namespace fairlead::crypto
