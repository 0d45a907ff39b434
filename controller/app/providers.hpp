/// How the controller reaches the providers that people sign in with.
#pragma once

#include "controller/sso/outside.hpp"

namespace fairlead::app {

/// At most 10 s, 256 KiB, and eight requests at once: one that is too many is Errc::unavailable, so
/// that a provider that hangs does not take all worker threads with it.
sso::Fetch fetch_from_providers();

} // namespace fairlead::app
