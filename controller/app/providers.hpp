/// How the controller reaches the providers that people sign in with.
#pragma once

#include "controller/outbound/way.hpp"
#include "controller/sso/outside.hpp"

#include <memory>

namespace fairlead::app {

/// At most 10 s, 256 KiB, and eight requests at once: one that is too many is Errc::unavailable, so
/// that a provider that hangs does not take all worker threads with it. Through `way` where there
/// is one: providers are the operator's, so its rules alone are asked, not those for people's
/// addresses.
sso::Fetch fetch_from_providers(std::shared_ptr<outbound::Way> way = nullptr);

} // namespace fairlead::app
