/// Signatures of Standard Webhooks (https://www.standardwebhooks.com, version 1).
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/secret.hpp"

#include <span>
#include <string>
#include <string_view>

namespace fairlead::webhooks {

/// The value of `webhook-timestamp`: whole seconds since 1970.
std::string timestamp_of(Timestamp at);

/// The value of `webhook-signature`: "v1," and the HMAC-SHA256 of id.timestamp.body in base64, one
/// for each secret, between spaces. Errc::internal for a secret of another form.
Result<std::string>
sign(std::span<const Secret> secrets, std::string_view id, Timestamp at, std::string_view body);

} // namespace fairlead::webhooks
