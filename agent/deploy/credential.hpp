/// What opens a private repository, from the secrets that came with the operation.
#pragma once

#include "agent/host/git.hpp"
#include "agent/journal/work.hpp"

#include <optional>

namespace fairlead::deploy {

/// Nothing for a public repository; Errc::invalid when the secret is missing.
Result<std::optional<host::GitCredential>>
credential_of(const proto::Source& source, const journal::Work& work);

} // namespace fairlead::deploy
