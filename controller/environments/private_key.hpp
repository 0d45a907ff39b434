/// Just enough of private key files to tell a usable one from a mistake. Nothing here keeps or
/// prints a key.
#pragma once

#include "common/runtime/result.hpp"

#include <string>
#include <string_view>

namespace fairlead::environments {

/// "SHA256:…" of the public half where the file shows it (OpenSSH's own form), "" for PEM forms.
/// Errc::invalid says what is wrong: a public key, a passphrase, no key at all.
Result<std::string> inspect_private_key(std::string_view text);

} // namespace fairlead::environments
